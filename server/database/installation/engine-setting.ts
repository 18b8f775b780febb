import type { Env } from '../../env/env.ts'
import type { Sql } from '../sql.ts'

/**
 * Notes whose jobs somebody has chosen with JOBS_ENGINE, so that a later start without it chooses the same.
 * @param sql names the schema of our tables, which are there
 */
export async function rememberEngine(sql: Sql, { JOBS_ENGINE }: Pick<Env, 'JOBS_ENGINE'>): Promise<void> {
  if (JOBS_ENGINE === 'auto') return
  await sql`
    insert into jobsctl_settings as known (name, value) values ('engine', ${JOBS_ENGINE}::text)
    on conflict (name) do update set value = excluded.value where known.value <> excluded.value`
}

/**
 * The engine that was noted.
 * @param schema of our tables, as a quoted name
 * @returns undefined where nobody has chosen one, or the schema has no settings
 */
export async function readEngine(sql: Sql, schema: string): Promise<string | undefined> {
  const [there] = await sql`select where to_regclass(${`${schema}.jobsctl_settings`}::text) is not null`
  if (!there) return undefined
  const [row] = await sql<{ value: string }[]>`
    select value from ${sql.unsafe(`${schema}.jobsctl_settings`)} where name = 'engine'`
  return row?.value
}
