import { Failure } from '../../shared/errors.ts'
import { isUuid, type JobId, readJobId } from '../../shared/work/job-key.ts'

/**
 * The ids of jobs in a list: digits are a number; `<queue>/<id>` is a key, and a uuid stands for itself.
 * @throws Failure `usage` for the first word that is no id
 */
export const jobIdsOf = (words: readonly string[]): JobId[] => words.map(listedId)

function listedId(word: string): JobId {
  const id = typedId(word)
  if (id !== undefined) return id
  throw new Failure('usage', `${word} is not a job id`, { hint: 'ids are whole numbers, such as 8123, or uuids' })
}

/** Whether a word is an id as people type it: digits, `<queue>/<id>` or a uuid. */
export const isTypedId = (word: string): boolean => typedId(word) !== undefined

/** Of other words, such as `5x`, most are mistyped, and only the server knows the ids of an engine without queues. */
function typedId(word: string): JobId | undefined {
  const id = readJobId(word)
  return typeof id === 'number' || word.includes('/') || isUuid(word) ? id : undefined
}

/**
 * The id of a job that stands on the command line.
 * @throws Failure `usage` with `example` as its hint, for a word that is no id
 */
export function jobIdOf(word: string, example: string): string {
  const id = typedId(word)
  if (id !== undefined) return String(id)
  throw new Failure('usage', `<id>: ${word} is not the id of a job`, { hint: example })
}
