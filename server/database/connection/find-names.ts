import { Failure } from '../../../shared/errors.ts'
import type { Env } from '../../env/env.ts'
import { tablesOfMigrations } from '../migrate/migrations.ts'
import type { Sql } from '../sql.ts'
import type { Names } from './qualify.ts'
import { refuseOtherEngines, refuseTablesOfOthers } from './refuse-others.ts'
import { refuseStrangers } from './whose-tables.ts'

interface Schemas {
  /** Schemas that hold a table of jobs, as quoted names. */
  found: string[]
  /** The first of them that a search path names which somebody has set: for the connection, the role or the database. */
  chosen: string | null
  /** Where a new database gets its tables. */
  home: string | null
  /** `chosen` as the operator wrote it in JOBS_DB_SCHEMA. */
  wanted: string | null
}

/** The settings that decide where the tables are, or may be made. */
export type Choice = Pick<Env, 'JOBS_DB_SCHEMA' | 'JOBS_ENGINE'>

/**
 * Finds the schema of the tables, once for each start. It is the one of JOBS_DB_SCHEMA, else the only one that holds a table `jobs` with
 * the columns of a job, else the schema in which new tables are made. A search path that somebody has set for this connection, role or
 * database decides between several. The default search path does not, since it begins with a schema named as the role, which any role may
 * make that has CREATE on the database.
 *
 * Every program that may write to the database asks this first, and nothing is written before it has answered. So it also refuses
 * databases that are somebody else's.
 * @returns the schema, the tables, and the functions of the catalog
 * @throws Failure `usage` where there are several, where the one that is wanted does not exist, and where a table of another program has
 *   the name of one of ours; and where another engine runs its jobs in a database that has no tables of
 *   ours, or the schema has tables of others and none of ours
 */
export async function findNames(sql: Sql, { JOBS_DB_SCHEMA, JOBS_ENGINE }: Choice): Promise<Names> {
  const schema = await findSchema(sql, JOBS_DB_SCHEMA)
  const tables = await tablesOfMigrations()
  const isThere = await refuseStrangers(sql, schema, tables)
  if (!isThere && JOBS_ENGINE !== 'own') {
    await refuseOtherEngines(sql)
    await refuseTablesOfOthers(sql, schema, tables)
  }
  return {
    schema,
    tables: new Set(tables),
    functions: await functionsOfCatalog(sql),
    sources: new Map(),
    jobId: 'bigint',
  }
}

/** The names of all functions of `pg_catalog`. */
export async function functionsOfCatalog(sql: Sql): Promise<Set<string>> {
  const [{ names }] = await sql<[{ names: string[] }]>`
    select pg_catalog.jsonb_agg(proname) as names
    from pg_catalog.pg_proc
    where pronamespace = 'pg_catalog'::regnamespace`
  return new Set(names)
}

/** The schemas that hold a table of jobs of our own, as quoted names. */
export const ownSchemas = async (sql: Sql): Promise<string[]> => (await readSchemas(sql, undefined)).found

async function findSchema(sql: Sql, wanted: string | undefined): Promise<string> {
  const schemas = await readSchemas(sql, wanted)
  if (wanted !== undefined)
    return schemas.wanted ?? refuse(`the database has no schema ${wanted} (JOBS_DB_SCHEMA)`, 'create schema makes one')
  if (schemas.chosen !== null) return schemas.chosen
  const [only, ...others] = schemas.found
  if (only !== undefined && others.length === 0) return only
  if (only !== undefined)
    return refuse(
      `the tables of jobs exist in ${schemas.found.length} schemas of this database: ${schemas.found.slice(0, 10).join(', ')}`,
      'set JOBS_DB_SCHEMA to the schema that this server works on',
    )
  return (
    schemas.home ??
    refuse(
      'this role may make tables in no schema of the database',
      'grant create on a schema to the role, and set JOBS_DB_SCHEMA to the schema; where another role owns the tables: jobs-server grants prints what this one needs',
    )
  )
}

function refuse(why: string, hint: string): never {
  throw new Failure('usage', `${why}; nothing was started`, { hint })
}

async function readSchemas(sql: Sql, wanted: string | undefined): Promise<Schemas> {
  const [schemas] = await sql<[Schemas]>`
    with found as (
      select nspname, pg_namespace.oid as schema
      from pg_catalog.pg_class
      join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
      where relname = 'jobs' and relkind in ('r', 'p') and relpersistence <> 't'
        and pg_catalog.has_schema_privilege(pg_namespace.oid, 'usage')
        and 4 = (
          select pg_catalog.count(*)
          from pg_catalog.pg_attribute
          where attrelid = pg_class.oid and attname in ('domain', 'queue', 'job_type', 'status') and not attisdropped
        )
    ),
    path as (
      select name, at
      from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as schemas (name, at)
    ),
    may_create as (
      select name, at
      from path
      join pg_catalog.pg_namespace on nspname = name
      where pg_catalog.has_schema_privilege(oid, 'create')
        -- A schema named as the role is the role's own only where the role owns it, or the owner of the database does.
        and (
          name <> current_user
          or nspowner = (select oid from pg_catalog.pg_roles where rolname = current_user)
          or nspowner = (select datdba from pg_catalog.pg_database where datname = pg_catalog.current_database())
        )
    ),
    is_set as (
      select from pg_catalog.pg_settings
      where name = 'search_path' and source not in ('default', 'configuration file')
    )
    select
      (select coalesce(pg_catalog.jsonb_agg(pg_catalog.quote_ident(nspname) order by nspname), '[]') from found) as found,
      (
        select pg_catalog.quote_ident(nspname)
        from found
        join path on name = nspname
        where exists (select from is_set)
        order by at
        limit 1
      ) as chosen,
      (
        select pg_catalog.quote_ident(name)
        from may_create
        order by at
        limit 1
      ) as home,
      (select pg_catalog.quote_ident(nspname) from pg_catalog.pg_namespace where nspname = ${wanted ?? null}::text) as wanted`
  return schemas
}
