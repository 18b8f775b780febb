import * as z from 'zod'
import { type Progress, ProgressLine } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'

/** The longest line; no answer of a change comes near it. */
const mostCharacters = 4 * 1024 * 1024

interface Reading {
  /** As errors name it. */
  server: string
  onProgress: (progress: Progress) => void
  /** Every line as it came. */
  onLine: (line: string) => void
}

/** What the last line says: the answer with its status. */
interface LastWord {
  status: number
  json: unknown
}

/**
 * Reads a change's progress line by line, up to its answer.
 * @throws Failure `unexpected_answer` for a line that means nothing, `unreachable` for an end without an answer
 */
export async function readProgress(body: AsyncIterable<Uint8Array>, reading: Reading): Promise<LastWord> {
  const { server, onProgress, onLine } = reading
  for await (const text of linesOf(body, server)) {
    onLine(text)
    const line = lineOf(text, server)
    if ('progress' in line) onProgress(line.progress)
    else if ('result' in line) return { status: 200, json: line.result }
    else return { status: statusOf(line.error), json: line.error }
  }
  throw new Failure('unreachable', `${server} broke off before the end; the server may still finish it`)
}

async function* linesOf(body: AsyncIterable<Uint8Array>, server: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const [first = '', ...more] = decoder.decode(bytes, { stream: true }).split('\n')
    const last = more.pop()
    rest += first
    if (rest.length > mostCharacters) throw notUnderstood(server)
    if (last === undefined) continue
    yield* [rest, ...more].filter(saysSomething)
    rest = last
  }
  if (saysSomething(rest)) yield rest
}

const saysSomething = (line: string): boolean => line.trim() !== ''

function lineOf(text: string, server: string): ProgressLine {
  try {
    return ProgressLine.parse(JSON.parse(text))
  } catch (cause) {
    throw notUnderstood(server, cause)
  }
}

/** The answer had begun before it failed, so its own status says nothing. */
const statusOf = (problem: unknown): number => Problem.parse(problem).status
const Problem = z.object({ status: z.number().int().min(400).max(599).catch(500) }).catch({ status: 500 })

const notUnderstood = (server: string, cause?: unknown): Failure =>
  new Failure(
    'unexpected_answer',
    `${server} tells its progress in a way that jobsctl does not understand; the change may have been made`,
    { server, cause },
  )
