import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failures } from '../shared/errors.ts'
import { escaped } from '../shared/text/escape.ts'
import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Ending } from './output/print.ts'

interface Polling {
  /** Between two looks. */
  pauseMs: () => number
  /** Ends the looks; Ctrl-C and SIGTERM are part of it. */
  signal: AbortSignal
  /** Ends them with an ending of its own. */
  look: () => Promise<Ending | undefined>
}

/**
 * Calls `look` again and again after a pause, until it has an ending or the signal is aborted. While the server is unavailable it goes
 * on, and prints one note.
 * @throws Failure that is not temporary; the reason of the signal where it is neither Ctrl-C nor SIGTERM
 */
export async function poll({ io }: Context, { pauseMs, signal, look }: Polling): Promise<Ending> {
  // What reads an error is loaded now: an update may take the files away while the command runs.
  await import('./http/response-errors.ts')
  let away = false
  for (;;) {
    await sleep(pauseMs(), undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    try {
      const ending = await look()
      if (ending !== undefined) return ending
      away = false
    } catch (error) {
      if (signal.aborted) break
      if (!(error instanceof Failure) || failures[error.code].exit !== 'unavailable') throw error
      if (!away) io.note(`${escaped(error.message)}; trying again\n`)
      away = true
    }
  }
  if (!io.signal.aborted) throw signal.reason
  return io.signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
}

/**
 * Calls `look` every `pauseMs` milliseconds until stdout is closed. A signal ends it without an error, since that is the way to end it.
 * @throws Failure that is not temporary
 */
export async function pollForever(
  context: Context,
  pauseMs: number,
  look: (client: Client) => Promise<void>,
): Promise<Ending> {
  const { io } = context
  let isFirst = true
  return poll(context, {
    pauseMs: () => (isFirst ? 0 : pauseMs),
    signal: io.signal,
    look: async () => {
      isFirst = false
      if (io.outGone()) return 'ok'
      // Each look has its own deadline, so that a long watch does not use up one deadline.
      await look(await context.newClient())
      return undefined
    },
  })
}
