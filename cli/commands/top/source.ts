import { setTimeout as sleep } from 'node:timers/promises'
import type * as z from 'zod'
import { Failure, failures } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Context } from '../../context.ts'
import type { TopFrame } from './model.ts'

/** How the counts come in: by the stream, by calls to a server that has no stream, or not at all. */
export type TopSource = { kind: 'stream' } | { kind: 'polls' } | { kind: 'away'; why: string; since: Date }

interface Listener {
  onFrame: (frame: TopFrame, isFull: boolean) => void
  onSource: (source: TopSource) => void
}

interface Following extends Listener {
  context: Context
  scope: Scope
  signal: AbortSignal
}

/** Between two calls to a server without the stream, and before another try of one that is away, in milliseconds. */
const pollMs = 2000
const retryMs = 1000
/** The server sends something every ten seconds. */
const silenceMs = 30_000

/**
 * Follows the counts until `signal` is aborted. A server that goes away after the first frame is asked again and again.
 * @throws Failure when the first frame cannot be read, and for every failure that does not pass
 */
export async function followStats(following: Following): Promise<void> {
  const { signal, onSource } = following
  let hasStream = true
  let since: Date | undefined
  let isFirst = true
  const listening: Following = {
    ...following,
    onFrame: (frame, isFull) => {
      if (since !== undefined || isFirst) onSource({ kind: hasStream ? 'stream' : 'polls' })
      isFirst = false
      since = undefined
      following.onFrame(frame, isFull)
    },
  }
  const away = (why: string) => {
    since ??= new Date()
    onSource({ kind: 'away', why, since })
  }
  while (!signal.aborted) {
    try {
      if (hasStream) await readStream(listening)
      else await readOnce(listening)
      if (hasStream && !signal.aborted) away('it closed the connection')
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Failure)) throw error
      if (hasStream && isFirst && failures[error.code].exit === 'not_found') {
        hasStream = false
        continue
      }
      if (isFirst || failures[error.code].exit !== 'unavailable') throw error
      away(error.message)
    }
    await sleep(hasStream || since ? retryMs : pollMs, undefined, { signal }).catch(() => {})
  }
}

async function readStream({ context, scope, signal, onFrame }: Following): Promise<void> {
  const { StatsFrame, statsStream } = await import('../../../shared/queues/stats-stream.ts')
  const client = await context.newClient(signal)
  for await (const { event, data } of client.follow(statsStream.path, scope, silenceMs)) {
    if (event !== 'full' && event !== 'changes') continue // a later server may send more
    onFrame(parsed(StatsFrame, data, client.target.name), event === 'full')
  }
}

/** The first frame of the stream, or the counts of a server without it. */
export async function firstFrame(context: Context, scope: Scope): Promise<TopFrame> {
  const reading = new AbortController()
  const { io } = context
  let first: TopFrame | undefined
  await followStats({
    context,
    scope,
    signal: AbortSignal.any([reading.signal, io.signal]),
    onSource: () => {},
    onFrame: (frame) => {
      first ??= frame
      reading.abort()
    },
  })
  if (first) return first
  const { interrupted } = await import('../../io.ts')
  throw interrupted(io.signal)
}

/** @throws Failure `unexpected_answer` */
function parsed(schema: z.ZodType<TopFrame>, data: string, server: string): TopFrame {
  try {
    return schema.parse(JSON.parse(data))
  } catch (cause) {
    throw new Failure('unexpected_answer', `${server} sent counts that jobsctl does not understand`, { server, cause })
  }
}

/** The counts of a server without the stream. */
async function readOnce({ context, scope, signal, onFrame }: Following): Promise<void> {
  const { stats } = await import('../../../shared/queues/stats.ts')
  const { stoppedQueues } = await import('../../../shared/queues/queues.ts')
  const client = await context.newClient(signal)
  const { body } = await client.call(stats, scope)
  // Other servers have no list of stopped queues.
  const stopped = await client.call(stoppedQueues, {}).catch((error: unknown) => {
    if (error instanceof Failure) return { body: [] }
    throw error
  })
  const as_of = new Date().toISOString()
  onFrame({ as_of, groups: body, gone: [], stopped: stopped.body, operations: [] }, true)
}
