import { hasCode } from './errors/error-meanings.ts'
import { type Connection, type Pool, type Sql, staticFragment } from './sql.ts'

/** An SQL expression that ends a statement of this transaction after so long, or earlier where the connection's limit is shorter. */
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

/** The limit of a statement of a list of all jobs of an engine, which may have no index in its order: 3 s. */
export const limitListTime = limitTo(3000)

/** The limit of a statement of a scrape of metrics: 1 s. */
export const limitScrapeTime = limitTo(1000)

/** The limit of a search along an index of another program, which may have many more jobs than match: 250 ms. */
export const limitRangeTime = limitTo(250)

/** The limit of the count of a preview: 10 s. */
export const limitPreviewTime = limitTo(10_000)

/** An SQL expression that ends the transaction after 10 s idle: a frozen server must not hold its locks for longer. */
export const limitIdleTime = staticFragment(
  (sql) => sql`set_config('idle_in_transaction_session_timeout', '10s', true)`,
)

/** An index on a large table takes long to build, and waits for every transaction that uses the table. */
export const removeTimeouts = (connection: Connection) =>
  connection`select set_config(name, '0', false) from (values ('statement_timeout'), ('lock_timeout')) as limits (name)`

/**
 * Returns undefined for the error of a statement that took longer than its limit. Without exact counts the jobs themselves are counted, and
 * without an index that the operator has yet to build they are scanned.
 * @throws any other error
 */
export function unlessOverdue(error: unknown): undefined {
  if (!hasCode(error, ['57014'])) throw error
}

const isPool = (sql: Sql): sql is Pool => 'begin' in sql

/**
 * Runs a read that may take long, in a transaction that can only read, and gives each of its statements 5 s.
 * @returns undefined where they are over
 */
export const withinReadTime = <Result>(sql: Sql, read: (sql: Sql) => Promise<Result>): Promise<Result | undefined> =>
  isPool(sql)
    ? sql
        .begin('read only', async (tx) => {
          await tx`select ${limitReadTime(tx)}`
          return { result: await read(tx) }
        })
        .then(({ result }) => result)
        .catch(unlessOverdue)
    : read(sql)
