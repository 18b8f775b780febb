import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

const count = z.int().min(0).default(0)

/** Who looks at a server, each as fast as it can. */
export const Looking = z.object({
  url: z.string(),
  /** How many events the log has. */
  log: count,
  /** Streams at the head of the log that wait for events that do not come. */
  idle: count,
  /** Streams at the head of the log that get each event: those of the acquires that are measured, too. */
  told: count,
  /** Readers of events that are not there. */
  filtered: count,
  /** Readers of lists that find nothing. */
  lists: count,
  /** Streams that begin with the first event, and find none. */
  catchingUp: count,
})

/**
 * Runs `use` while others look.
 * @throws Error where the process of the readers ends
 */
export async function besideReaders<T>(looking: z.input<typeof Looking>, use: () => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./readers.ts', import.meta.url)), [JSON.stringify(looking)])
  const gone = once(child, 'exit')
  try {
    const [said] = await Promise.race([once(child, 'message'), gone])
    if (said !== 'reading') throw new Error(`the readers ended: ${said}`)
    return await use()
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}
