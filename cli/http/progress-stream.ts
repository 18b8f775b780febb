import * as z from 'zod'
import { linesOf, TooLong } from '../../sdk/call/body.ts'
import { type Progress, ProgressLine } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'

/** The longest line in characters; answers of changes are much shorter. */
const mostCharacters = 4 * 1024 * 1024

interface Reading {
  /** The origin of the server, for errors. */
  server: string
  onProgress: (progress: Progress) => void
  /** Called with every line as the server sent it. */
  onLine: (line: string) => void
}

/** The last line: the answer and its status. */
interface LastLine {
  status: number
  json: unknown
}

/**
 * Reads the progress of a change line by line, up to its answer.
 * @throws Failure `unexpected_answer` for a line that is no progress, `unreachable` for an end without an answer
 */
export async function readProgress(body: AsyncIterable<Uint8Array>, reading: Reading): Promise<LastLine> {
  const { server, onProgress, onLine } = reading
  for await (const text of progressLines(body, server)) {
    onLine(text)
    const line = lineOf(text, server)
    if ('progress' in line) onProgress(line.progress)
    else if ('result' in line) return { status: 200, json: line.result }
    else return { status: statusOf(line.error), json: line.error }
  }
  throw new Failure(
    'unreachable',
    `${server} closed the connection before the answer; the server may still finish the change`,
  )
}

async function* progressLines(body: AsyncIterable<Uint8Array>, server: string): AsyncGenerator<string> {
  try {
    yield* linesOf(body, mostCharacters)
  } catch (error) {
    throw error instanceof TooLong ? unknownLine(server, error) : error
  }
}

function lineOf(text: string, server: string): ProgressLine {
  try {
    return ProgressLine.parse(JSON.parse(text))
  } catch (cause) {
    throw unknownLine(server, cause)
  }
}

/** The status in the error line: the HTTP status was sent as 200 before the change failed. */
const statusOf = (problem: unknown): number => Problem.parse(problem).status
const Problem = z.object({ status: z.number().int().min(400).max(599).catch(500) }).catch({ status: 500 })

const unknownLine = (server: string, cause?: unknown): Failure =>
  new Failure(
    'unexpected_answer',
    `${server} sent a progress line that jobsctl does not understand; the change may have been made`,
    { server, cause },
  )
