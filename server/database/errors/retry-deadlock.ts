import { setTimeout as wait } from 'node:timers/promises'
import { isTransient } from './failure.ts'

const tries = 3

/**
 * Runs a statement that is a transaction of its own, up to 3 times: PostgreSQL may end it because of a deadlock, or because
 * a table was altered after the statement was planned.
 * @throws the last error, or the first one that another try cannot change
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
