import type { Progress } from '../../shared/changes/bulk-change.ts'
import type { EndpointName } from '../../shared/endpoint-names.ts'
import { confirmed, type Fields, reasonHeader, requestOf, send } from './call.ts'
import { isPassing, Problem, unreachable } from './problem.ts'

interface ChangeRequest {
  name: EndpointName
  body: Fields
  key: string
  reason: string
  /** True for a change that the server goes on with when this page is gone. */
  goesOn: boolean
  onProgress: (progress: Progress) => void
  /** Called where there is no word of a change that goes on, each time that a request for it fails. */
  onSilence: (problem: Problem) => void
  signal?: AbortSignal
}

/** The answer of a change, with the fields that all of them have. */
export type ChangeAnswer = Readonly<Record<string, unknown>>

/** A number of an answer by its name; undefined where the answer does not have it. */
export const numberOf = (answer: ChangeAnswer | undefined, name: string): number | undefined => {
  const value = answer?.[name]
  return typeof value === 'number' ? value : undefined
}

/**
 * Makes a change of many jobs, once for its key however often it is sent, and reports its progress.
 * @returns its answer
 * @throws Problem what the server says, also where the change has stopped half-way
 */
export async function change({
  name,
  body,
  key,
  reason,
  goesOn,
  onProgress,
  onSilence,
}: ChangeRequest): Promise<ChangeAnswer> {
  const headers = {
    ...confirmed,
    'Idempotency-Key': key,
    ...reasonHeader(reason),
    ...(goesOn ? { Prefer: 'respond-async' } : { Accept: 'application/x-ndjson' }),
  }
  const response = await send(requestOf(name, body), { headers })
  if (response.status !== 202) return lastLine(response, onProgress, headers)
  const accepted = await jsonOf(response, headers)
  return follow(String(accepted.operation_id), { onProgress, onSilence })
}

/**
 * Reports the progress of an operation to its end, whichever server runs it.
 * @returns the answer of the change
 * @throws Problem as the change itself
 */
export async function follow(
  id: string,
  { onProgress, onSilence, signal }: Pick<ChangeRequest, 'onProgress' | 'onSilence' | 'signal'>,
): Promise<ChangeAnswer> {
  const headers = { Accept: 'application/x-ndjson' }
  for (;;) {
    try {
      return await lastLine(await send(requestOf('followOperation', { id }), { headers, signal }), onProgress, headers)
    } catch (error) {
      // The operation goes on, and another server, or the same one a moment later, reports it. One that has stopped is `partial`.
      if (!(error instanceof Problem) || error.code === 'partial' || !isPassing(error)) throw error
      if (signal?.aborted) throw error
      onSilence(error)
      const seconds = Math.min(60, Number(error.fields.retry_after) || 1)
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds))
      if (signal?.aborted) throw error
    }
  }
}

/** Reads a response that is one answer. A page of a proxy in its place, and one that was cut off, leave open what has happened. */
const jsonOf = (response: Response, headers: Readonly<Record<string, string>>): Promise<ChangeAnswer> =>
  response.json().catch(() => {
    throw unreachable(headers)
  })

/** Reads a response of progress lines, or one that is the answer itself. */
async function lastLine(
  response: Response,
  onProgress: (progress: Progress) => void,
  headers: Readonly<Record<string, string>>,
): Promise<ChangeAnswer> {
  if (!(response.headers.get('Content-Type') ?? '').startsWith('application/x-ndjson')) return jsonOf(response, headers)
  for await (const line of linesOf(response)) {
    if ('progress' in line) onProgress(line.progress)
    else if ('error' in line) throw new Problem(line.error, line.error.status)
    else return line.result
  }
  throw new Problem(
    {
      code: 'outcome_unknown',
      detail: 'The connection was lost before the change had ended.',
      hint: 'Look for the change: its record says what became of it.',
    },
    0,
  )
}

/** A line of `ProgressLine`, as the contract of the server has it. */
type Line =
  | { progress: Progress }
  | { error: Readonly<Record<string, unknown>> & { status: number } }
  | { result: ChangeAnswer }

/** The lines of a response as they come. A connection that is lost ends them. */
async function* linesOf({ body }: Response): AsyncGenerator<Line> {
  if (!body) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
    if (done || value === undefined) return
    const lines = (rest + value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
  }
}
