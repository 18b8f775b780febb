import { Failure } from '../../shared/errors.ts'
import { type Choice, findNames, functionsOfCatalog, ownSchemas } from '../database/connection/find-names.ts'
import { type EngineSign, findEngines } from '../database/connection/other-engines.ts'
import type { Names } from '../database/connection/qualify.ts'
import { withNames } from '../database/connection/schema-names.ts'
import { readEngine } from '../database/installation/engine-setting.ts'
import { tablesOfMigrations } from '../database/migrate/migrations.ts'
import type { Sql } from '../database/sql.ts'
import type { Env } from '../env/env.ts'
import { mappedEngines } from './mapped/adapter.ts'
import { type MapFile, readMapFile } from './mapped/read-map.ts'
import { type KnownSign, lookAt, namesOfAll, withAdapter } from './places.ts'
import { type Place, serve, servedWith } from './served.ts'

/** The schema of our tables beside the jobs of another engine. */
export const adminSchema = 'jobsctl'

/** The settings that say whose jobs are served. */
type Wanted = Choice & Pick<Env, 'JOBS_ENGINE_SCHEMA' | 'JOBS_ENGINE_DOMAIN' | 'JOBS_MAP_FILE'>

/**
 * Finds whose jobs a server works on, before anything is written, and how its statements name things. `JOBS_ENGINE` decides; else a
 * table of jobs of our own; else all engines that are found.
 * @throws Failure `usage` for an engine that is not there, for a domain that two places would have, and whatever `findNames` throws
 */
export async function findServed(sql: Sql, env: Wanted): Promise<Names> {
  const own = await ownSchemas(sql)
  const choice = chosenBy(env) ?? (await readChoice(sql, own))
  if (choice === 'own') return findNames(sql, { ...env, JOBS_ENGINE: 'own' })
  const map = await findMap(env, choice)
  if (map && choice === undefined && !(await hasOwnJobs(sql, own)))
    return namesOver(sql, await mappedEngines(sql, map), env)
  const mapped = map && choice !== undefined ? await mappedEngines(sql, map) : []
  const known = [...(await findEngines(sql)).flatMap(withAdapter), ...mapped]
  if (choice === undefined && (known.length === 0 || (await hasOwnJobs(sql, own))))
    return serve(await findNames(sql, env), { mode: 'own', beside: known, places: [] })
  const chosen = choice?.split(',')
  const engines = chosen?.filter((name) => name !== 'own')
  const missing = engines?.find((name) => known.every(({ engine }) => engine !== name))
  if (missing !== undefined) throw nothingFound(missing, known)
  const wanted = withinSchemas(
    env,
    known.filter(({ engine }) => !engines || engines.includes(engine)),
  )
  if (chosen?.includes('own')) return namesBesideOwn(sql, wanted, env)
  const [first] = wanted
  if (!first) throw nothingFound('an engine', known)
  return namesOver(sql, wanted, env)
}

/** The engine that the settings of this process name: a file for a map is for nothing else. */
function chosenBy({ JOBS_ENGINE, JOBS_MAP_FILE }: Wanted): string | undefined {
  if (JOBS_ENGINE !== 'auto') return JOBS_ENGINE
  return JOBS_MAP_FILE === undefined ? undefined : 'mapped'
}

/**
 * The map of a table, where the table may be meant: somebody has named its file or its engine, or the file is there and nobody has chosen.
 * @throws Failure `usage` for a map that cannot be read, and where the engine is `mapped` and no map is there
 */
async function findMap(
  { JOBS_ENGINE, JOBS_MAP_FILE }: Wanted,
  choice: string | undefined,
): Promise<MapFile | undefined> {
  if (choice !== undefined && !choice.split(',').includes('mapped')) return undefined
  const file = await readMapFile(JOBS_MAP_FILE)
  if (file || choice === undefined) return file
  throw new Failure('usage', 'there is no map of a table: no file jobs-map.yaml in this folder; nothing was started', {
    hint:
      JOBS_ENGINE !== 'auto'
        ? 'JOBS_MAP_FILE, or --map, names the file; docs/engines/mapped.md says how to write one'
        : 'this database was used with a map: JOBS_MAP_FILE, or --map, names its file',
  })
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

/**
 * Finds whose jobs a database has, for a command that makes our tables beside them: its statements name the tables themselves.
 * @throws whatever `findServed` throws
 */
export async function findForRecords(sql: Sql, env: Wanted): Promise<Names> {
  const names = await findServed(sql, env)
  const served = servedWith(names)
  return served.mode === 'own' ? names : serve({ ...names, sources: new Map(), jobId: 'bigint' }, served)
}

/**
 * Finds our tables for a command that takes them out. Where the jobs of another engine have gone since, their records and archives are there still.
 * @throws whatever `findServed` throws
 */
export async function findToUninstall(sql: Sql, env: Wanted): Promise<Names> {
  const home = await findHome(sql)
  if (home === undefined) return findForRecords(sql, env)
  const isForRecords = env.JOBS_ENGINE !== 'own' && (await hasRecordsAlone(sql, home))
  return isForRecords
    ? { ...(await ourNames(sql, home)), sources: new Map(), jobId: 'bigint' }
    : findNames(sql, { ...env, JOBS_ENGINE: 'own' })
}

/** Whether a schema, a quoted name, is the one of our tables beside the jobs of another engine: it has no jobs of our own. */
export const hasRecordsAlone = async (sql: Sql, schema: string): Promise<boolean> =>
  schema === adminSchema && !(await ownSchemas(sql)).includes(schema)

const ourNames = async (sql: Sql, schema: string) => ({
  schema,
  tables: new Set(await tablesOfMigrations()),
  functions: await functionsOfCatalog(sql),
})

async function namesOver(sql: Sql, signs: readonly KnownSign[], env: Wanted): Promise<Names> {
  const home = await findHome(sql)
  const base = await ourNames(sql, home ?? adminSchema)
  const places = await lookAt(sql, signs, { base, hasTables: home !== undefined, domains: env.JOBS_ENGINE_DOMAIN })
  const mode = home === undefined ? 'look' : 'admin'
  const [first, ...others] = places
  if (!first) throw nothingFound('an engine', [])
  serveEach(places, mode, others.length > 0)
  if (others.length === 0) return first.names
  const names = await namesOfAll(first, others)
  return serve(names, { mode, places: [first, ...others], isChosen: false, server: serverOf(first) })
}

/** The names for our own jobs, with the places of other engines that are served beside them. Records and archives are among our tables. */
async function namesBesideOwn(sql: Sql, signs: readonly KnownSign[], env: Wanted): Promise<Names> {
  const names = await findNames(sql, { ...env, JOBS_ENGINE: 'own' })
  const places = await lookAt(sql, signs, { base: names, hasTables: true, domains: env.JOBS_ENGINE_DOMAIN })
  await refuseOwnDomains(withNames(sql, names), places)
  const [first, ...others] = places
  if (!first) throw nothingFound('an engine', [])
  serveEach(places, 'admin', true)
  const together = serve(await namesOfAll(first, others), {
    ...({ mode: 'admin', isChosen: false } as const),
    places: [first, ...others],
    server: serverOf(first),
  })
  return serve(names, { mode: 'own', beside: [], places, namesOfPlaces: together })
}

/** A server of several places says by the first one what it keeps in memory. */
const serverOf = ({ found }: Place): object => found

function serveEach(places: readonly Place[], mode: 'look' | 'admin', isChosen: boolean): void {
  const [first] = places
  if (!first) return
  for (const place of places) serve(place.names, { mode, places: [place], isChosen, server: serverOf(first) })
}

/** @throws Failure `usage` where our own jobs have the domain of a place: a call could mean either */
async function refuseOwnDomains(sql: Sql, places: readonly Place[]): Promise<void> {
  const [there] = await sql`select where to_regclass('jobs') is not null`
  if (!there) return
  for (const { adapter, found } of places) {
    const [job] = await sql`select from jobs where domain = ${found.domain}::text limit 1`
    if (job)
      throw new Failure(
        'usage',
        `own jobs have the domain ${found.domain}, as the jobs of ${adapter.engine} in ${found.schema} would have; nothing was started`,
        { hint: `show the schema as another domain: JOBS_ENGINE_DOMAIN=${found.schemaName}:${found.domain}2` },
      )
  }
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
