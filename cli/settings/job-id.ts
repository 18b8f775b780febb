import { Failure } from '../../shared/errors.ts'

/**
 * The id of a job that stands on the command line.
 * @throws Failure `usage` with `example` as its hint, for a word that is no id
 */
export function jobIdOf(word: string, example: string): string {
  if (/^[1-9]\d{0,15}$/.test(word) && Number.isSafeInteger(Number(word))) return word
  throw new Failure('usage', `<id>: ${word} is not the id of a job`, { hint: example })
}
