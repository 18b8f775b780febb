import type { Pool, Sql } from '../sql.ts'

/**
 * The setting of a session under which policies of row level security, as another program makes them, let a program work on
 * all jobs: `using (current_setting('app.is_admin', true) = 'true')`. It has no effect without such policies.
 */
export const adminSetting = { 'app.is_admin': 'true' } as const

/**
 * A pool whose transactions carry the setting `app.is_admin` and are without JIT, for a pooler that gives each transaction another
 * session. To compile the statement of a preview takes some 20 s, which no limit of time ends. The settings are sent together with the
 * first statement of the transaction, so they take no round trip of their own.
 */
export const withPooledTransactions = (pool: Pool): Pool =>
  new Proxy(pool, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (name !== 'begin' || typeof value !== 'function') return value
      return (...args: unknown[]) => Reflect.apply(value, target, args.map(carrySettings))
    },
  })

const carrySettings = (arg: unknown): unknown =>
  typeof arg === 'function'
    ? (tx: Sql) => {
        // The driver ends the transaction with the error of this statement, if it fails. SET takes no snapshot.
        tx.unsafe("set local app.is_admin = 'true'; set local jit = off").execute()
        return Reflect.apply(arg, undefined, [tx])
      }
    : arg
