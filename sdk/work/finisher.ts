import { writeJson } from '../call/exact-json.ts'
import { JobsError } from '../call/jobs-error.ts'
import type { Client } from '../client-with.ts'
import type { FinishManyInput, FinishManyOutput } from '../wire/types.ts'
import { isUnreadable, resultsOf, untilAnswered } from './retrying.ts'
import type { Tell } from './worker-event.ts'

export type Finish = FinishManyInput['jobs'][number]
type FinishResult = FinishManyOutput['results'][number]

export interface Finisher {
  /**
   * Sends the finish of an attempt, together with others that wait. Resolves to what the server says about it.
   * @throws JobsError when the server refuses it, or `signal` aborts before the server answers
   */
  finish: (finish: Finish) => Promise<FinishResult>
}

interface Options {
  client: Client
  tell: Tell
  /** How long a server may fail with a mistake of its own, in milliseconds. */
  patienceMs: number
  /** Gives up what no server has answered. */
  signal: AbortSignal
}

const mostJobs = 100
/** The most characters of one request beside its first finish; a server takes 16 results of the largest size. */
const mostCharacters = 1_000_000
/** How long a server may fail at many finishes in one call; then they are sent one by one. */
const patienceWithManyMs = 10_000

interface Waiting {
  finish: Finish
  size: number
  resolve: (result: FinishResult) => void
  reject: (error: unknown) => void
}

/** Sends one request at a time; the finishes that come meanwhile go with the next one. */
export function createFinisher({ client, tell, patienceMs, signal }: Options): Finisher {
  const waiting: Waiting[] = []
  let isSending = false

  const send = (finishes: readonly Finish[]) =>
    untilAnswered(
      async () => resultsOf(await client.finishMany({ jobs: finishes }, { signal, retries: 0 }), finishes.length),
      {
        call: 'finish',
        tell,
        signal,
        patienceMs: finishes.length > 1 ? Math.min(patienceMs, patienceWithManyMs) : patienceMs,
      },
    )

  async function sendBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await send(batch.map(({ finish }) => finish))
      for (const [at, result] of results.entries()) batch[at]?.resolve(result)
    } catch (error) {
      // One finish may be what the server refuses, or what it fails at: the others are sent without it.
      if (batch.length > 1 && !signal.aborted && error instanceof JobsError && isBetterAlone(error))
        await Promise.all(batch.map((one) => sendBatch([one])))
      else for (const { reject } of batch) reject(signal.aborted ? unanswered() : error)
    }
  }

  async function pump(): Promise<void> {
    if (isSending) return
    isSending = true
    while (waiting.length > 0) await sendBatch(takeBatch(waiting))
    isSending = false
  }

  return {
    finish: (finish) =>
      new Promise((resolve, reject) => {
        waiting.push({ finish, size: writeJson(finish).length, resolve, reject })
        void pump()
      }),
  }
}

const unanswered = () => new JobsError('outcome_unknown', 'the worker stopped before a server answered')

/**
 * True for an error about what was sent, or one that what was sent may be the cause of. True for a page that is no answer as well: it
 * ends the tries of many finishes after 10 s, and those of one after minutes.
 */
const isBetterAlone = (error: JobsError): boolean =>
  isUnreadable(error) ||
  error.code === 'internal' ||
  error.code === 'invalid_request' ||
  error.code === 'too_large' ||
  error.code === 'malformed_json' ||
  error.code === 'malformed_request'

function takeBatch(waiting: Waiting[]): Waiting[] {
  let characters = 0
  const ids = new Set<number>()
  const after = waiting.findIndex(({ finish: { id }, size }, at) => {
    characters += size
    const isSecond = ids.has(id)
    ids.add(id)
    return isSecond || (at > 0 && (at >= mostJobs || characters > mostCharacters))
  })
  return waiting.splice(0, after < 0 ? waiting.length : after)
}
