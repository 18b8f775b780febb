import type { Log } from '../../log.ts'
import type { Session } from '../sql.ts'
import type { Migration } from './migrations.ts'
import { findMissing, objectsMadeBy } from './schema-diff.ts'

/**
 * Builds the missing indexes of a migration, one by one, outside of a transaction. An invalid index, which an interrupted
 * build leaves behind, is dropped and built again.
 * @throws the database's own error for the last index that cannot be built; the other indexes are built before that
 */
export async function buildIndexes(
  session: Session,
  { text }: Pick<Migration, 'text'>,
  { log, schema }: Building,
): Promise<void> {
  const statements = text
    .replaceAll(/^\s*--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
  let last: unknown
  for (const statement of statements) {
    await build(session, statement, { log, schema }).catch((error: unknown) => {
      log.warn(`the index ${nameOf(statement)} cannot be built: ${error instanceof Error ? error.message : error}`)
      last = error
    })
  }
  if (last) throw last
}

interface Building {
  log: Log
  /** The schema of the tables, as a quoted name. */
  schema: string
}

/** The name of the unique index where an index of another program has its usual name. */
const alternativeName = 'jobsctl_unique'

const nameOf = (statement: string): string => /if not exists (\w+)/.exec(statement)?.[1] ?? ''

async function build(session: Session, statement: string, { log, schema }: Building): Promise<void> {
  const name = nameOf(statement)
  const [there] = await session<{ valid: boolean }[]>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`
  const missing = await findMissing(session, objectsMadeBy(statement))
  if (there?.valid) {
    if (missing.length === 0) return warnOfDifference(session, statement, log)
    if (name === alternativeName) throw new Error('another index has this name')
    // The other program's index, such as one of some rows only, stays; the index of this server is built beside it.
    return build(session, statement.replace(name, alternativeName), { log, schema })
  }
  if (there) await session.unsafe(`drop index concurrently if exists ${schema}.${name}`)
  if (missing.length > 0) await session.unsafe(statement)
}

/** Warns of an index that has the right name and another definition: calls that need the right one are slow. */
async function warnOfDifference(session: Session, statement: string, log: Log): Promise<void> {
  const name = nameOf(statement)
  const table = /\bon (\w+)/.exec(statement)?.[1] ?? ''
  const onTwin = statement.replace(/concurrently if not exists \w+\s+on \w+/, 'jobsctl_twin_index on jobsctl_twin')
  await session`begin`
  try {
    await session.unsafe(`create temporary table jobsctl_twin (like ${table}) on commit drop`)
    await session.unsafe(onTwin)
    const [row] = await session<{ own: string; there: string }[]>`
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
    await session`rollback`
  }
}
