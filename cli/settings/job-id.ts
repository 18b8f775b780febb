import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { quoted } from '../../shared/text/shell.ts'
import { isUuid, type JobId, readJobId } from '../../shared/work/job-key.ts'

/**
 * The ids of jobs in a list: digits are a number; `<queue>/<id>` is a key, and a uuid stands for itself.
 * @throws Failure `usage` for the first word that is no id
 */
export const jobIdsOf = (words: readonly string[]): JobId[] => words.map((word) => listedId(word))

interface OfFile {
  /** The number of the line. */
  line: number
  /** `; nothing was changed`, where the ids are those of a change. */
  unchanged: string
}

/**
 * The id of a job in a list, or on a line of the file of `--ids-file`.
 * @throws Failure `usage`
 */
export function listedId(word: string, file?: OfFile): JobId {
  const id = typedId(word)
  if (id !== undefined) return id
  const text = `${escaped(word)} is not a job id`
  throw new Failure('usage', file ? `--ids-file: line ${file.line}: ${text}${file.unchanged}` : text, {
    hint: hintOf(word, file !== undefined),
  })
}

/** JavaScript knows such a number only about. */
const isLarge = (word: string): boolean => /^[1-9]\d{15,}$/.test(word)
const ofLarge = (word: string): string =>
  `it is larger than the id of any job, but for one of another engine, which is named with its queue: mail/${word}`

/** What a word that is no id was probably meant as. */
function hintOf(word: string, isInFile: boolean): string {
  const parts = word.split(/[\s,;]+/).filter((part) => part !== '')
  if (isLarge(word)) return ofLarge(word)
  if (parts.length > 1 && parts.every(isTypedId))
    return isInFile ? 'write one id a line' : `separate ids with blanks: ${parts.join(' ')}`
  if (/^@./.test(word) && !isInFile) return `--ids-file ${escaped(quoted(word.slice(1)))} reads ids from a file`
  return 'ids are whole numbers, such as 8123, or uuids'
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
  throw new Failure('usage', `<id>: ${word} is not the id of a job`, {
    hint: isLarge(word) ? ofLarge(word) : example,
  })
}
