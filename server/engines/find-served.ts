import { Failure } from '../../shared/errors.ts'
import {
  type Choice,
  findNames,
  functionsOfCatalog,
  ownSchemas,
  tablesOfMigrations,
} from '../database/connection/find-names.ts'
import { type EngineSign, findEngines } from '../database/connection/other-engines.ts'
import type { Names } from '../database/connection/qualify.ts'
import { readEngine } from '../database/installation/engine-setting.ts'
import type { Sql } from '../database/sql.ts'
import type { Env } from '../env/env.ts'
import { type KnownSign, lookAt, namesOfAll, withAdapter } from './places.ts'
import { serve, servedWith } from './served.ts'

/** The schema of our tables beside the jobs of another engine. */
export const adminSchema = 'jobsctl'

/**
 * Finds whose jobs a server works on, before anything is written, and how its statements name things. `JOBS_ENGINE` decides; else a
 * table of jobs of our own; else the only engine that is found.
 * @throws Failure `usage` for an engine that is not there, for several engines, and whatever `findNames` throws
 */
export async function findServed(sql: Sql, env: Choice & Pick<Env, 'JOBS_ENGINE_SCHEMA'>): Promise<Names> {
  const own = await ownSchemas(sql)
  const chosen = env.JOBS_ENGINE === 'auto' ? await readChoice(sql, own) : env.JOBS_ENGINE
  if (chosen === 'own') return findNames(sql, { ...env, JOBS_ENGINE: 'own' })
  const known = (await findEngines(sql)).flatMap(withAdapter)
  if (chosen === undefined && (known.length === 0 || (await hasOwnJobs(sql, own))))
    return serve(await findNames(sql, env), { mode: 'own', beside: known, places: [] })
  const wanted = withinSchemas(
    env,
    known.filter(({ engine }) => chosen === undefined || engine === chosen),
  )
  const [first] = wanted
  if (!first) throw nothingFound(chosen ?? 'an engine', known)
  const others = wanted.filter(({ engine }) => engine !== first.engine)
  if (others.length > 0) throw severalEngines(wanted)
  return namesOver(sql, wanted)
}

/** The engine that somebody has chosen before, which the settings in one of the schemas of our tables have. */
async function readChoice(sql: Sql, own: readonly string[]): Promise<string | undefined> {
  for (const schema of [...own, adminSchema]) {
    const engine = await readEngine(sql, schema)
    if (engine !== undefined) return engine
  }
  return undefined
}

/**
 * Whether a table of jobs of our own holds a job, or may have held one: its sequence of ids was used, or cannot be read. Where nobody can tell,
 * the jobs are our own.
 */
async function hasOwnJobs(sql: Sql, own: readonly string[]): Promise<boolean> {
  for (const schema of own) {
    const table = `${schema}.jobs`
    const [{ sequence }] = await sql<[{ sequence: string | null }]>`
      select case when pg_catalog.has_table_privilege(${table}::text, 'select')
        then pg_catalog.pg_get_serial_sequence(${table}::text, 'id')
      end as sequence`
    if (sequence === null) return true
    const [row] = await sql<[{ used: boolean }]>`
      select exists (select from ${sql.unsafe(table)}) or case
        when pg_catalog.has_sequence_privilege(${sequence}::text, 'select')
        then pg_catalog.pg_sequence_last_value(${sequence}::text::regclass) is not null
        else true
      end as used`
    if (row.used) return true
  }
  return false
}

const schemasOf = ({ JOBS_ENGINE_SCHEMA }: Pick<Env, 'JOBS_ENGINE_SCHEMA'>): string[] =>
  (JOBS_ENGINE_SCHEMA ?? '').split(',').flatMap((name) => name.trim() || [])

function withinSchemas(env: Pick<Env, 'JOBS_ENGINE_SCHEMA'>, signs: KnownSign[]): KnownSign[] {
  const named = schemasOf(env)
  const missing = named.filter((name) => signs.every(({ nspname }) => nspname !== name))
  if (missing.length > 0)
    throw new Failure(
      'usage',
      `no engine keeps its jobs in the schema ${missing.join(', ')} (JOBS_ENGINE_SCHEMA); nothing was started`,
      {
        hint: `schemas with an engine: ${signs.map(({ schema }) => schema).join(', ') || 'none'}`,
      },
    )
  return named.length === 0 ? signs : signs.filter(({ nspname }) => named.includes(nspname))
}

const nothingFound = (engine: string, known: EngineSign[]): Failure =>
  new Failure('usage', `the database has no tables of ${engine} that this role may see; nothing was started`, {
    hint:
      known.length === 0
        ? `grant usage on its schema to the role, or set JOBS_DB_URL to the database of ${engine}`
        : `engines in this database: ${known.map((one) => `${one.engine} in ${one.schema}`).join(', ')}`,
  })

const severalEngines = (signs: EngineSign[]): Failure =>
  new Failure(
    'usage',
    `the database has the jobs of several engines: ${signs.map(({ engine, schema }) => `${engine} in ${schema}`).join(', ')}; nothing was started`,
    { hint: `JOBS_ENGINE=${signs[0]?.engine} serves one of them` },
  )

/**
 * Finds whose jobs a database has, for a command that makes our tables beside them: its statements name the tables themselves.
 * @throws whatever `findServed` throws
 */
export async function findForRecords(sql: Sql, env: Choice & Pick<Env, 'JOBS_ENGINE_SCHEMA'>): Promise<Names> {
  const names = await findServed(sql, env)
  const served = servedWith(names)
  return served.mode === 'own' ? names : serve({ ...names, sources: new Map(), jobId: 'bigint' }, served)
}

async function namesOver(sql: Sql, signs: readonly KnownSign[]): Promise<Names> {
  const home = await findHome(sql)
  const base = {
    schema: home ?? adminSchema,
    tables: new Set(await tablesOfMigrations()),
    functions: await functionsOfCatalog(sql),
  }
  const places = await lookAt(sql, signs, { base, hasTables: home !== undefined })
  const mode = home === undefined ? 'look' : 'admin'
  const server = {}
  for (const place of places) serve(place.names, { mode, places: [place], isChosen: places.length > 1, server })
  const [first, ...others] = places
  if (!first) throw nothingFound('an engine', [])
  if (others.length === 0) return first.names
  return serve(await namesOfAll(first, others), { mode, places: [first, ...others], isChosen: false, server })
}

/** The schema in which our tables are, as a quoted name: the one made for another engine, or that of a table of jobs without any job. */
async function findHome(sql: Sql): Promise<string | undefined> {
  const schemas = [...(await ownSchemas(sql)), adminSchema]
  const rows = await sql<{ schema: string }[]>`
    select pg_catalog.quote_ident(nspname) as schema
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where relname = 'jobsctl_migrations' and relkind = 'r'`
  return schemas.find((name) => rows.some(({ schema }) => schema === name))
}
