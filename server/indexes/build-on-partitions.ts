import { setTimeout as wait } from 'node:timers/promises'
import { withoutUnique } from '../../shared/doctor/missing-indexes.ts'
import { Failure } from '../../shared/errors.ts'
import { isLocked } from '../database/errors/failure.ts'
import type { IndexStatement } from '../database/migrate/index-statements.ts'
import { isPossible } from '../database/migrate/unique-on-partitions.ts'
import type { Connection } from '../database/sql.ts'

interface Building {
  /** The schema of the tables, as a quoted name. */
  schema: string
  /** Says what the build waits for. */
  say: (line: string) => void
}

/**
 * Builds an index of a table with partitions: on each partition that has rows beside writers, then as one index of the table, which takes these
 * over at every level. Partitions that come later get it, too. A build that was interrupted goes on.
 * @throws Failure `usage` for a unique index without the key of the partitions, `conflict` where somebody has left the index of the table
 *   invalid, `database_busy` where the table is not to be had
 */
export async function buildOnPartitions(
  connection: Connection,
  index: IndexStatement,
  { schema, say }: Building,
): Promise<void> {
  const { name, table, keys, condition, unique } = index
  if (!(await isPossible(connection, index)))
    throw new Failure('usage', `${table} has partitions, on which PostgreSQL has no unique index without their key`, {
      hint: `without this index ${withoutUnique}`,
    })
  await refuseInvalid(connection, index, schema)
  const create = unique ? 'create unique index' : 'create index'
  const definition = `(${keys})${condition === '' ? '' : ` where ${condition}`}`
  // A partition may be attached while others are built.
  for (;;) {
    const [next] = await partitionsWithout(connection, index)
    if (!next) break
    if (next.invalid) await connection.unsafe(`drop index concurrently ${next.invalid}`)
    await connection.unsafe(`${create} concurrently ${next.part} on ${next.partition} ${definition}`)
  }
  await whenUnlocked({ connection, table, say }, `${create} ${name} on ${schema}.${table} ${definition}`)
}

/** Somebody may have built it by hand, and may not be done. */
async function refuseInvalid(connection: Connection, { name, table }: IndexStatement, schema: string): Promise<void> {
  const [there] = await connection`select from pg_index where indexrelid = to_regclass(${name})`
  if (there)
    throw new Failure('conflict', `${name} is on ${table}, and not on all of its partitions; nothing was changed`, {
      hint: `attach an index of each partition to it, or drop it and build again: drop index ${schema}.${name};`,
    })
}

interface Lacking {
  /** As SQL names it. */
  partition: string
  /** The name of its index. */
  part: string
  /** What an interrupted build has left of it, as SQL names it. */
  invalid: string | null
}

/** The partitions with rows of their own that do not have their part of an index. A foreign table can have none. */
const partitionsWithout = (connection: Connection, { name, table }: IndexStatement) => connection<Lacking[]>`
  select relid::regclass::text as partition, part, invalid
  from pg_partition_tree(to_regclass(${table}))
  join pg_class on pg_class.oid = relid
  cross join lateral (select format('%s_%s', ${name}::text, relid::oid) as part) as named
  left join lateral (
    select indisvalid as valid, indexrelid::regclass::text as invalid
    from pg_index
    join pg_class as there on there.oid = indexrelid
    where indrelid = relid and there.relname = part
  ) as found on true
  where isleaf and relkind <> 'f' and valid is not true
  order by relid`

/** How long a lock is waited for at a time, since writers wait behind it; how long until the next try, and how long in all. */
const [lockTimeout, betweenTriesMs, longestMs] = ['200ms', 1000, 10 * 60_000]

interface Locking extends Pick<Building, 'say'> {
  connection: Connection
  table: string
}

/**
 * Runs a statement that takes a moment, and waits for the transactions that write to the table: other writers wait for the timeout of the lock,
 * once for each partition that such a transaction holds.
 * @throws Failure `database_busy` after ten minutes
 */
async function whenUnlocked({ connection, table, say }: Locking, statement: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += betweenTriesMs) {
    await connection`begin`
    try {
      await connection`select set_config('lock_timeout', ${lockTimeout}, true)`
      await connection.unsafe(statement)
      await connection`commit`
      return
    } catch (error) {
      await connection`rollback`.catch(() => {})
      if (!isLocked(error)) throw error
      if (waitedMs >= longestMs)
        throw new Failure(
          'database_busy',
          `each partition has its index, and a transaction or a VACUUM held ${table} for 10 minutes`,
          {
            hint: 'when it is over, the same command goes on',
            cause: error,
          },
        )
    }
    if (waitedMs === 0) say(`each partition has its index; waiting for a transaction or a VACUUM that holds ${table}`)
    await wait(betweenTriesMs)
  }
}
