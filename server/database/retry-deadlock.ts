import { setTimeout as wait } from 'node:timers/promises'
import { isTransient } from './failure.ts'

const tries = 3

/**
 * Runs a statement that is a transaction of its own once more when PostgreSQL chose it to end a deadlock, or had planned
 * it for a table that has been altered since.
 */
export async function retryDeadlock<T>(statement: () => PromiseLike<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await statement()
    } catch (error) {
      if (!isTransient(error) || tried === tries) throw error
      await wait(Math.random() * 20 * 2 ** tried)
    }
  }
}
