import { setTimeout as wait } from 'node:timers/promises'

/**
 * Calls `look` until it finds something, and returns that.
 * @throws Error that names `what`, a sentence, after `limit` milliseconds
 */
export async function until<T>(what: string, look: () => Promise<T> | T, limit = 60_000): Promise<NonNullable<T>> {
  const end = Date.now() + limit
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${limit} ms, and it did not happen that ${what}`)
    await wait(20)
  }
}
