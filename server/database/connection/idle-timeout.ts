import { staticFragment } from '../static-fragment.ts'

/** An SQL expression that ends the transaction after 10 s idle: a frozen server must not hold its locks for longer. */
export const limitIdleTime = staticFragment(
  (sql) => sql`set_config('idle_in_transaction_session_timeout', '10s', true)`,
)
