import { Failure } from '../../shared/errors.ts'

/**
 * The ids of jobs in a list, each as a number.
 * @throws Failure `usage` for the first word that is no id
 */
export const jobIdsOf = (words: readonly string[]): number[] => words.map(listedId)

function listedId(word: string): number {
  if (isJobId(word)) return Number(word)
  throw new Failure('usage', `${word} is not a job id`, { hint: 'ids are whole numbers, such as 8123' })
}

const isJobId = (word: string): boolean => /^[1-9]\d*$/.test(word) && Number.isSafeInteger(Number(word))

/**
 * The id of a job that stands on the command line.
 * @throws Failure `usage` with `example` as its hint, for a word that is no id
 */
export function jobIdOf(word: string, example: string): string {
  if (isJobId(word)) return word
  throw new Failure('usage', `<id>: ${word} is not the id of a job`, { hint: example })
}
