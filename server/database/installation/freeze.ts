import { Freeze } from '../../../shared/doctor/storage.ts'
import { Failure } from '../../../shared/errors.ts'
import { holdLock } from '../locks/hold-lock.ts'
import { jsonOf } from '../lossless-json.ts'
import type { Pool, Sql, Transaction } from '../sql.ts'

/** The freeze of the database; undefined while changes are allowed. */
export async function readFreeze(sql: Sql): Promise<Freeze | undefined> {
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'freeze'`
  return row && freezeOf(row.value)
}

/** The freeze that a row describes. A row that somebody has written by hand is a freeze, too, of which no more is known than its text. */
export const freezeOf = (text: string): Freeze =>
  Freeze.safeParse(jsonOf(text)).data ?? { by: 'somebody', since: 'a time that is not known', reason: text }

/** Who froze the database, since when and why, as a clause. */
export const freezeClause = ({ by, since, reason }: Freeze): string =>
  `${by} froze the database at ${since} (${JSON.stringify(reason)})`

/** The failure of a change that a freeze refuses. */
const frozenFailure = (freeze: Freeze): Failure =>
  new Failure('frozen', `${freezeClause(freeze)}, until jobs-server thaw; nothing was changed`, {
    hint: 'workers go on; when changes may go on, too, run where the server runs: jobs-server thaw',
  })

export const isFrozen = (error: unknown): boolean => error instanceof Failure && error.code === 'frozen'

/**
 * Looks once, and waits for nothing.
 * @throws Failure `frozen`
 */
export async function throwIfFrozen(sql: Sql): Promise<void> {
  const freeze = await readFreeze(sql)
  if (freeze) throw frozenFailure(freeze)
}

/**
 * Refuses the transaction while the database is frozen. Where it does not refuse, `jobs-server freeze` returns only after the
 * transaction has ended. A freeze for which the lock has waited is seen.
 * @throws Failure `frozen`; `database_busy` where something else has the lock
 */
export async function refuseWhileFrozen(tx: Transaction): Promise<void> {
  const read = () => throwIfFrozen(tx)
  try {
    await holdLock(tx, 'freeze', { shared: true, read })
  } catch (error) {
    if (error instanceof Failure && !isFrozen(error)) await read()
    throw error
  }
}

/**
 * Runs the statements of one change in a transaction that a freeze refuses.
 * @throws Failure `frozen`; whatever `change` throws
 */
export const unlessFrozen = <Result>(sql: Pool, change: (tx: Transaction) => Promise<Result>) =>
  sql.begin(async (tx) => {
    await refuseWhileFrozen(tx)
    return change(tx)
  })

const now = (sql: Sql) => sql`to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

/**
 * Freezes the database, with an event. No transaction of a change begins after the commit of this one.
 * @throws Failure `conflict` where it is frozen already
 */
export async function writeFreeze(tx: Sql, { by, reason }: Omit<Freeze, 'since'>): Promise<void> {
  const written = await tx`
    with written as (
      insert into jobsctl_settings (name, value)
      values ('freeze', jsonb_build_object('by', ${by}::text, 'since', ${now(tx)}, 'reason', ${reason}::text)::text)
      on conflict (name) do nothing
      returning value
    ),
    recorded as (
      insert into job_events (event_type, attrs_json) select 'database.frozen', value::jsonb from written
    )
    select value from written`
  if (written.length === 0) throw await frozenAlready(tx)
}

async function frozenAlready(sql: Sql): Promise<Failure> {
  const known = await readFreeze(sql)
  const why = known ? freezeClause(known) : 'somebody froze the database, and has thawed it'
  return new Failure('conflict', `${why}; this command has changed nothing`)
}

/** Longer than a batch can wait for a lock, in seconds. */
const longestBatchSeconds = 90

/**
 * Waits until no transaction is left that a change has begun before the freeze, which is committed.
 * @throws Failure `partial` where one does not end
 */
export async function waitForChanges(sql: Pool): Promise<void> {
  await sql
    .begin(async (tx) => {
      await tx`select ${limitLockTime(tx)}`
      await holdLock(tx, 'freeze')
    })
    .catch((cause: unknown) => {
      throw new Failure(
        'partial',
        `the database is frozen, and a batch that began before has not ended for ${longestBatchSeconds} s: its jobs may still change`,
        { hint: 'no further batch begins; jobsctl operations shows which operation runs', cause },
      )
    })
}

const limitLockTime = (sql: Sql) => sql`
  set_config('lock_timeout', ${`${longestBatchSeconds}s`}, true), set_config('statement_timeout', '0', true)`

/**
 * Ends the freeze, with an event.
 * @returns the freeze that has ended; undefined where the database was not frozen
 */
export async function thaw(tx: Transaction, by: string): Promise<Freeze | undefined> {
  const [row] = await tx<{ value: string }[]>`delete from jobsctl_settings where name = 'freeze' returning value`
  if (!row) return undefined
  const freeze = freezeOf(row.value)
  await tx`
    insert into job_events (event_type, attrs_json)
    values ('database.thawed', ${JSON.stringify({ by, freeze })}::text::jsonb)`
  return freeze
}
