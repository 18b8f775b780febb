import { staticFragment } from './static-fragment.ts'

/** An SQL expression that ends a statement of this transaction after so long, or earlier where the session's limit is shorter. */
const limitTo = (ms: number) =>
  staticFragment(
    (sql) => sql`set_config(
    'statement_timeout',
    least(nullif(extract(epoch from current_setting('statement_timeout')::interval) * 1000, 0), ${sql.unsafe(String(ms))})::int::text,
    true
  )`,
  )

/** The limit of a read: 5 s. */
export const limitReadTime = limitTo(5000)

/** The limit of a statement of a scrape of metrics: 1 s. */
export const limitScrapeTime = limitTo(1000)

/** The limit of the count of a preview: 10 s. */
export const limitPreviewTime = limitTo(10_000)
