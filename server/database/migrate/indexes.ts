import type { Log } from '../../log/log.ts'
import { errorText } from '../../log/system-error.ts'
import { isLocked } from '../errors/failure.ts'
import { retryDeadlock } from '../errors/retry-deadlock.ts'
import type { Connection } from '../sql.ts'
import { indexesIn } from './index-statements.ts'
import { type IndexMode, isLeftToOperator, readTableSize } from './left-indexes.ts'
import type { Migration } from './migrations.ts'
import { findMissing, objectsMadeBy } from './schema-diff.ts'
import type { NoteMade } from './what-stays.ts'

/**
 * Builds the missing indexes of a migration that are not left to the operator, one by one: on an empty table at once, and else with
 * `create index concurrently`, outside of a transaction. An invalid index, which an interrupted build leaves behind, is dropped and built again.
 * @throws the database's own error for the last index that cannot be built; the other indexes are built before that
 */
export async function buildIndexes(
  connection: Connection,
  { text }: Pick<Migration, 'text'>,
  building: Building,
): Promise<void> {
  let last: unknown
  for (const { statement } of indexesIn(text)) {
    // A concurrent build and an ANALYZE or ALTER TABLE of its table can wait for each other: PostgreSQL ends one of them.
    await retryDeadlock(() => build(connection, statement, building)).catch((error: unknown) => {
      building.log.warn(`the index ${nameOf(statement)} cannot be built: ${errorText(error)}`)
      last = error
    })
  }
  if (last) throw last
}

/** True for a missing index that the server leaves to the operator. */
async function isBuiltByOperator(connection: Connection, table: string, mode: IndexMode): Promise<boolean> {
  const size = await readTableSize(connection, table)
  return size !== undefined && isLeftToOperator(mode, size)
}

interface Building {
  log: Log
  /** Who builds indexes of tables that have rows; undefined where somebody asked for this index. */
  mode: IndexMode | undefined
  /** The schema of the tables, as a quoted name. */
  schema: string
  /** Called before a build that may take long: calls do not wait for it. */
  tablesReady: () => void
  /** Called with what a statement has made, or dropped, once it stays. */
  applied?: NoteMade
}

/** The name of the unique index where an index of another program has its usual name. */
const alternativeName = 'jobsctl_unique'

const tableOf = (statement: string): string => /\bon (\w+)/.exec(statement)?.[1] ?? ''
const nameOf = (statement: string): string => /if not exists (\w+)/.exec(statement)?.[1] ?? ''

async function build(connection: Connection, statement: string, building: Building): Promise<void> {
  const { log, schema, tablesReady, applied = () => {} } = building
  const name = nameOf(statement)
  const [there] = await connection<{ valid: boolean }[]>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`
  const missing = await findMissing(connection, objectsMadeBy(statement))
  if (there?.valid) {
    if (missing.length === 0) return warnOfDifference(connection, statement, log)
    if (name === alternativeName) throw new Error('another index has this name')
    // The other program's index, such as one of some rows only, stays; the index of this server is built beside it.
    return build(connection, statement.replace(name, alternativeName), building)
  }
  if (building.mode && (await isBuiltByOperator(connection, tableOf(statement), building.mode))) return
  const statements = [...(there ? [`drop index concurrently if exists ${schema}.${name}`] : []), statement]
  if (missing.length === 0) statements.pop()
  const note = (each: string) =>
    applied(each === statement ? `the index ${name}` : `the drop of the invalid index ${name}`, name)
  if ((await isEmpty(connection, tableOf(statement))) && (await buildAtOnce(connection, statements)))
    return statements.forEach(note)
  tablesReady()
  for (const each of statements) {
    await connection.unsafe(each).catch(async (error: unknown) => {
      if (each === statement && (await isLeftInvalid(connection, name))) applied(`the invalid index ${name}`, name)
      throw error
    })
    note(each)
  }
}

/** True for an index that a build which failed has left behind; false where the connection is lost, too. */
async function isLeftInvalid(connection: Connection, name: string): Promise<boolean> {
  const looking = connection`select from pg_index where indexrelid = to_regclass(${name}) and not indisvalid`
  return (await looking.catch(() => [])).length > 0
}

/**
 * True for a table without a block on the disk: it has just been made, or truncated. False for a partitioned table, whose
 * rows are in its partitions.
 */
async function isEmpty(connection: Connection, table: string): Promise<boolean> {
  const [found] = await connection`
    select from pg_class where oid = to_regclass(${table}) and relkind = 'r' and pg_relation_size(oid) = 0`
  return found !== undefined
}

/**
 * Builds an index of an empty table in a transaction, which takes a few milliseconds. A concurrent build would wait for every
 * older transaction, and a VACUUM that waits for the build would be ended as a deadlock.
 * @returns false when another transaction holds the table for longer than 200 ms
 */
async function buildAtOnce(connection: Connection, statements: readonly string[]): Promise<boolean> {
  await connection`begin`
  try {
    await connection`set local lock_timeout = '200ms'`
    for (const statement of statements) await connection.unsafe(statement.replace(' concurrently', ''))
    await connection`commit`
    return true
  } catch (error) {
    await connection`rollback`.catch(() => {})
    if (isLocked(error)) return false
    throw error
  }
}

/** Warns of an index that has the right name and another definition: calls that need the right one are slow. */
async function warnOfDifference(connection: Connection, statement: string, log: Log): Promise<void> {
  const name = nameOf(statement)
  const onTwin = statement.replace(/concurrently if not exists \w+\s+on \w+/, 'jobsctl_twin_index on jobsctl_twin')
  await connection`begin`
  try {
    await connection.unsafe(`create temporary table jobsctl_twin (like ${tableOf(statement)}) on commit drop`)
    await connection.unsafe(onTwin)
    const [row] = await connection<{ own: string; there: string }[]>`
      select
        regexp_replace(pg_get_indexdef(to_regclass('pg_temp.jobsctl_twin_index')), '^.* USING ', '') as own,
        regexp_replace(pg_get_indexdef(to_regclass(${name})), '^.* USING ', '') as there`
    // An index of all rows serves where a partial index is needed.
    if (row && row.own !== row.there && !row.own.startsWith(`${row.there} WHERE `))
      log.warn(
        `the index ${name} is not the one that this server needs: drop it, and the next start builds the right one`,
        {
          there: row.there,
          needed: row.own,
        },
      )
  } finally {
    await connection`rollback`
  }
}
