import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failures } from '../shared/errors.ts'
import { escaped } from '../shared/escape.ts'
import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Ending } from './output/print.ts'

/**
 * Calls `look` every `pauseMs` milliseconds until stdout is closed. While the server is unavailable it
 * goes on, and prints one note. A signal ends it without an error, since that is the way to end it.
 * @throws Failure that is not temporary
 */
export async function pollForever(
  context: Context,
  pauseMs: number,
  look: (client: Client) => Promise<void>,
): Promise<Ending> {
  const { io } = context
  // What reads an error is loaded now: an update may take the files away while the command runs.
  await import('./http/response-errors.ts')
  let away = false
  while (!io.signal.aborted) {
    if (io.outGone()) return 'ok'
    // Each look has its own deadline, so that a long watch does not use up one deadline.
    const client = await context.newClient()
    try {
      await look(client)
      away = false
    } catch (error) {
      if (io.signal.aborted) break
      if (!(error instanceof Failure) || failures[error.code].exit !== 'unavailable') throw error
      if (!away) io.note(`${escaped(error.message)}; trying again\n`)
      away = true
    }
    await sleep(pauseMs, undefined, { signal: io.signal }).catch(() => {})
  }
  return io.signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
}
