import { staticFragment } from './static-fragment.ts'

/** A server that freezes in the middle of a transaction must not hold its locks for long. */
export const limitIdleTime = staticFragment(
  (sql) => sql`set_config('idle_in_transaction_session_timeout', '10s', true)`,
)
