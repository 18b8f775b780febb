import type { Log } from '../log.ts'
import type { Migration } from './migrations.ts'
import { findMissing, objectsMadeBy } from './schema-diff.ts'
import type { Session } from './sql.ts'

/**
 * Builds the indexes of a migration that are missing, each on its own, outside a transaction. What an interrupted build
 * left behind is invalid, and made again.
 * @throws the database's own error for the last that cannot be built; the others are built all the same
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
  /** Where the tables are: a quoted name. */
  schema: string
}

/** What a unique index is called where its name is taken. */
const spare = 'jobsctl_unique'

const nameOf = (statement: string): string => /if not exists (\w+)/.exec(statement)?.[1] ?? ''

async function build(session: Session, statement: string, { log, schema }: Building): Promise<void> {
  const name = nameOf(statement)
  const [there] = await session<{ valid: boolean }[]>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`
  const missing = await findMissing(session, objectsMadeBy(statement))
  if (there?.valid) {
    if (missing.length === 0) return warnOfAnother(session, statement, log)
    if (name === spare) throw new Error('another index has its name')
    // Somebody else's promise, such as of some rows alone: it stays, and ours is beside it.
    return build(session, statement.replace(name, spare), { log, schema })
  }
  if (there) await session.unsafe(`drop index concurrently if exists ${schema}.${name}`)
  if (missing.length > 0) await session.unsafe(statement)
}

/** One that has the name of ours may be another: then calls that look for ours are slow, and nobody would know why. */
async function warnOfAnother(session: Session, statement: string, log: Log): Promise<void> {
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
    // One of all rows serves as one of some does.
    if (row && row.own !== row.there && !row.own.startsWith(`${row.there} WHERE `))
      log.warn(`the index ${name} is another than this server needs: drop it, and the next start makes the right one`, {
        there: row.there,
        needed: row.own,
      })
  } finally {
    await session`rollback`
  }
}
