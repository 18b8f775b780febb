import type { Pool } from '../sql.ts'

/** Whether a process has begun to change something. Until then its transactions are read only. */
export interface Writes {
  /** True from `begin` on. */
  begun: () => boolean
  begin: () => void
}

export function createWrites(): Writes {
  let begun = false
  return {
    begun: () => begun,
    begin: () => {
      begun = true
    },
  }
}

/** The setting of a session whose transactions PostgreSQL keeps from writing. */
export const readOnlySetting = { default_transaction_read_only: true } as const

/**
 * A pool that sends statements on the connections of `reading` until writes begin, and on those of `writing` from then on. A transaction
 * that has begun stays where it is. No connection is opened before its first statement, so that a reader has those of `reading` alone.
 */
export const readingUntil = (writes: Writes, { reading, writing }: { reading: Pool; writing: Pool }): Pool =>
  new Proxy(reading, {
    apply: (_target, self, args) => Reflect.apply(writes.begun() ? writing : reading, self, args),
    get(_target, name) {
      if (name === 'end') return (how?: { timeout?: number }) => Promise.all([reading.end(how), writing.end(how)])
      return Reflect.get(writes.begun() ? writing : reading, name)
    },
  })
