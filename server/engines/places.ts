import { Failure } from '../../shared/errors.ts'
import type { EngineSign } from '../database/connection/other-engines.ts'
import type { ForeignJobs, NamedPlace, Names, Source } from '../database/connection/qualify.ts'
import { withNames } from '../database/connection/schema-names.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import type { Sql } from '../database/sql.ts'
import type { QueueAdapter } from './adapter.ts'
import { adapters } from './all.ts'
import { columnsOfTables, emptyTables, keptOut } from './empty-tables.ts'
import type { Found } from './found.ts'
import type { Place } from './served.ts'

/** A schema in which an engine keeps its jobs, with the adapter of the engine. */
export interface KnownSign extends EngineSign {
  adapter: QueueAdapter
}

/** The sign with its adapter; nothing for an engine without one. */
export function withAdapter(sign: EngineSign): KnownSign[] {
  const adapter = adapters.find(({ engine }) => engine === sign.engine)
  return adapter ? [{ ...sign, adapter }] : []
}

/** Where our tables are, and what names mean beside them. */
interface Home {
  base: Pick<Names, 'schema' | 'tables' | 'functions'>
  /** False where there are no tables of ours, all of which are then read as empty. */
  hasTables: boolean
  /** The domains of schemas that have another one than their name. */
  domains: ReadonlyMap<string, string> | undefined
}

/**
 * Reads what each schema has of its engine. Only reads.
 * @throws Failure `usage` with the statements that give the role the right to look; for a domain that two schemas would have, and for one of
 *   a schema that is not there
 */
export async function lookAt(sql: Sql, signs: readonly KnownSign[], home: Home): Promise<Place[]> {
  const places: Place[] = []
  const served: string[] = []
  const servedTables: string[] = []
  requireSchemas(signs, home)
  for (const { adapter, schema, nspname } of signs) {
    const found = await adapter.look(sql, schema).catch(refuseUnreadable(sql, adapter, schema))
    const domain = home.domains?.get(nspname) ?? found.domain
    const same = places.find((place) => place.found.domain === domain)
    if (same) throw twice(domain, same.found, found)
    served.push(domain)
    servedTables.push(adapter.writes.table(found))
    places.push(await placeAt(sql, { adapter, found: { ...found, domain }, served, servedTables }, home))
  }
  return places
}

/** @throws Failure `usage` for a schema that nobody serves: its name is mistyped */
function requireSchemas(signs: readonly KnownSign[], { domains = new Map() }: Home): void {
  const unknown = [...domains.keys()].filter((name) => signs.every(({ nspname }) => nspname !== name))
  if (unknown.length === 0) return
  throw new Failure(
    'usage',
    `no engine that is served keeps its jobs in the schema ${unknown.join(', ')} (JOBS_ENGINE_DOMAIN); nothing was started`,
    { hint: `schemas that are served: ${signs.map(({ nspname }) => nspname).join(', ') || 'none'}` },
  )
}

const twice = (domain: string, one: Found, other: Found): Failure =>
  new Failure(
    'usage',
    `the jobs in ${one.schema} and in ${other.schema} would both have the domain ${domain}; nothing was started`,
    { hint: `give one of them another: JOBS_ENGINE_DOMAIN=${other.schemaName}:${domain}2` },
  )

/** @throws Failure `usage` with the statements that give the role the right to look; any other error as it is */
const refuseUnreadable =
  (sql: Sql, { engine }: QueueAdapter, schema: string) =>
  async (error: unknown): Promise<never> => {
    if (!hasCode(error, ['42501'])) throw error
    const [{ role }] = await sql<[{ role: string }]>`select pg_catalog.quote_ident(current_user) as role`
    throw new Failure(
      'usage',
      `the role ${role} may not read the tables of ${engine} in ${schema}; nothing was started`,
      {
        hint: `as their owner: grant usage on schema ${schema} to ${role}; grant select on all tables in schema ${schema} to ${role}`,
        cause: error,
      },
    )
  }

async function placeAt(
  sql: Sql,
  { adapter, found, ...others }: { adapter: QueueAdapter; found: Found } & Pick<NamedPlace, 'served' | 'servedTables'>,
  { base, hasTables }: Home,
): Promise<Place> {
  const sources = await emptyTables((table) => !hasTables || keptOut.includes(table))
  const ours = withNames(sql, { ...own, ...base })
  const lacksArchive = hasTables && !(await isThere(ours, adapter.archive))
  if (hasTables && !lacksArchive) {
    // The engine may have added columns since the archive was made.
    const missing = await adapter.missingInArchive(ours, found)
    const columns = new Set([...found.columns].filter((name) => !missing.includes(name)))
    sources.set(archive, { query: adapter.writes.archived({ ...found, columns }, base.schema) })
  }
  for (const [table, query] of adapter.sources?.(found) ?? []) sources.set(table, { query })
  sources.set(jobs, adapter.projection(found))
  const place = { table: adapter.writes.table(found), domain: found.domain, ...others }
  const onlyReads = hasTables && !(await mayWriteRecords(ours))
  return { adapter, found, lacksArchive, onlyReads, names: { ...base, sources, jobId: 'text', jobs: adapter, place } }
}

/** Names that mean tables of ours alone. */
const own = { sources: new Map<string, Source>(), jobId: 'bigint' } as const

async function isThere(sql: Sql, table: string): Promise<boolean> {
  const [row] = await sql`select where to_regclass(${table}::text) is not null`
  return row !== undefined
}

async function mayWriteRecords(sql: Sql): Promise<boolean> {
  const [row] = await sql<[{ may: boolean | null }]>`
    select has_table_privilege(to_regclass(${'job_operations'}::text), 'insert') as may`
  return row.may !== false
}

/** The tables of our own of which another engine has the rows. */
const jobs = 'jobs'
const archive = 'jobs_archive'
const stoppedQueues = 'job_queue_controls'

/** How the jobs of several places are compared: by our columns, which every projection has. No index serves these conditions. */
const ofSeveral: ForeignJobs = {
  hasKey: (sql, keys) => sql`jobs.id = any(${[...keys]}::text[])`,
  hasState: (sql, states) => sql`jobs.status = any(${[...states]}::text[])`,
  endedAt: (sql) => sql`coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at)`,
}

/**
 * How statements about the jobs of several places together name things. Each place has its jobs with our columns alone: those beside them
 * differ from engine to engine, and from schema to schema.
 */
export async function namesOfAll(first: Place, others: readonly Place[]): Promise<Names> {
  const places = [first, ...others]
  const columns = await columnsOfTables()
  const sources = new Map(first.names.sources)
  for (const table of [jobs, archive, stoppedQueues]) {
    const list = (columns.get(table) ?? []).map(columnOfPlace).join(', ')
    const queries = places.flatMap((place) => place.names.sources.get(table)?.query ?? [])
    if (queries.length > 0)
      sources.set(table, {
        query: `(${queries.map((query) => `select ${list} from ${query} as place`).join(' union all ')})`,
      })
  }
  return { ...first.names, sources, jobs: ofSeveral, place: undefined }
}

/** A payload is json in some engines and jsonb in others, which a union does not take together. Each jsonb is json, and not the other way round. */
const columnOfPlace = ({ name }: { name: string }): string =>
  ['payload', 'result'].includes(name) ? `place."${name}"::json as "${name}"` : `place."${name}"`
