import { staticFragment } from './static-fragment.ts'

/** An SQL expression that ends a statement of this transaction after 5 s, or earlier where the session's limit is shorter. */
export const limitReadTime = staticFragment(
  (sql) => sql`set_config(
    'statement_timeout',
    least(nullif(extract(epoch from current_setting('statement_timeout')::interval) * 1000, 0), 5000)::int::text,
    true
  )`,
)
