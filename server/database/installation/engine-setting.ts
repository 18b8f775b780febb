import type { Env } from '../../env/env.ts'
import type { Fragment, Sql } from '../sql.ts'

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

const since = 'engines_since'

/**
 * Notes since when the jobs of other engines are served beside our own, each since the first start that named it after one that did not.
 * @param engines the names of the engines
 */
export async function noteEngines(sql: Sql, engines: readonly string[]): Promise<void> {
  if (engines.length === 0) return void (await sql`delete from jobsctl_settings where name = ${since}`)
  await sql`
    insert into jobsctl_settings as known (name, value)
    select ${since}, jsonb_object_agg(engine, now())::text from unnest(${[...engines]}::text[]) as engine
    on conflict (name) do update
    set value = (
      select jsonb_object_agg(engine, coalesce(known.value::jsonb ->> engine, now()::text))::text
      from unnest(${[...engines]}::text[]) as engine
    )`
}

/** An SQL expression of type timestamptz: since when the jobs of an engine are served beside our own; null where nobody has noted it. */
export const engineSince = (sql: Sql, engine: string): Fragment => sql`
  (select (value::jsonb ->> ${engine}::text)::timestamptz from jobsctl_settings where name = ${since})`
