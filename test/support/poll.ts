import { setTimeout as wait } from 'node:timers/promises'

/**
 * Waits until `look` finds something, and returns it.
 * @throws Error that names what was waited for, after `limit` milliseconds
 */
export async function until<T>(what: string, look: () => Promise<T> | T, limit = 20_000): Promise<NonNullable<T>> {
  const end = Date.now() + limit
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain until ${what}`)
    await wait(20)
  }
}
