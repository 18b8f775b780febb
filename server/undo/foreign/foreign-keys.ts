import type { Sql } from '../../database/sql.ts'
import { engineTarget } from '../engine/target.ts'

/** A foreign key of a table that refers to another row, and what becomes of its rows when that row is deleted. */
export interface ForeignKey {
  table: string
  parent: string
  /** The name of the table as SQL has it, with its schema. */
  name: string
  /** `deleted`, or changed: the columns become null, or get their default; `refused` where the other row may not be deleted. */
  action: ForeignAction
  /** Pairs of quoted names: a column of the table, and the column of the parent that it refers to, of jobs as the projection has it. */
  columns: (readonly [string, string])[]
  /** The rows of a table that has partitions are in these. */
  isPartitioned: boolean
  /** The role of the server may read all rows of the table, and `jobs` has the columns that it refers to. */
  isReadable: boolean
}
type ForeignAction = 'deleted' | 'set_null' | 'set_default' | 'refused'

/** The way of foreign keys from `jobs` to a table: each but the last deletes rows. */
export type ForeignPath = readonly [ForeignKey, ...ForeignKey[]]

/** Tables whose rows the statement of a prune deletes itself, and the archive keeps. */
const keptAlong = ['job_attachments', 'job_dependencies']
/** Longer ways, and more of them, are not followed. */
const [longestPath, mostPaths] = [5, 50]

/** Every way in which foreign keys delete or change rows of other tables along with a job. No way leads through a table twice. */
export async function readForeignPaths(sql: Sql): Promise<ForeignPath[]> {
  const keys = await readForeignKeys(sql, ['c', 'n', 'd'])
  const from = (parent: string) => keys.filter((key) => key.parent === parent)
  const paths: ForeignPath[] = from('jobs').map((key) => [key])
  for (let at = 0; at < paths.length && paths.length < mostPaths; at++) {
    const path = paths[at]
    const last = path?.at(-1)
    if (!path || last?.action !== 'deleted' || path.length >= longestPath) continue
    const passed = new Set(['jobs', ...path.map(({ table }) => table)])
    paths.push(
      ...from(last.table)
        .filter(({ table }) => !passed.has(table))
        .map((key): ForeignPath => [...path, key]),
    )
  }
  return paths.slice(0, mostPaths)
}

/**
 * The foreign keys of all tables; those to the jobs of another engine name the columns of `jobs`. Tables of the engine whose rows the archive keeps are
 * left out.
 */
async function readForeignKeys(sql: Sql, actions: readonly string[]): Promise<ForeignKey[]> {
  const keys = await readNativeKeys(sql, actions)
  const target = engineTarget(sql)
  if (!target) return keys
  const { found, writes } = target
  const { columns: named, along = [] } = writes.referred
  const kept = along.map((table) => `${found.schema}.${table}`)
  return keys
    .filter(({ name }) => !kept.includes(name))
    .map((key) => {
      if (key.parent !== 'jobs') return key
      const columns = key.columns.map(([own, other]) => [own, named[other] ?? other] as const)
      // Rows of the engine's own table, whose columns are not those of `jobs`, and of keys over other columns cannot be looked up.
      const isKnown = key.table !== 'jobs' && key.columns.every(([, other]) => other in named)
      return { ...key, columns, isReadable: key.isReadable && isKnown }
    })
}

/** The foreign keys by which rows of other tables forbid that a job is deleted. */
export const readHoldingKeys = async (sql: Sql): Promise<ForeignKey[]> =>
  (await readForeignKeys(sql, ['a', 'r'])).filter(({ parent }) => parent === 'jobs')

/**
 * The foreign keys of all tables; `jobs` and its partitions are named so, other tables by their id.
 * @param actions what they do when the other row is deleted, as `pg_constraint` has it
 */
const readNativeKeys = (sql: Sql, actions: readonly string[]) => sql<ForeignKey[]>`
  with names as (
    select array(select relid::oid from pg_partition_tree(to_regclass('jobs'))) || to_regclass('jobs')::oid as jobs
  )
  select
    case when conrelid = any(jobs) then 'jobs' else conrelid::text end as "table",
    case when confrelid = any(jobs) then 'jobs' else confrelid::text end as parent,
    format('%I.%I', nspname, relname) as name,
    case confdeltype when 'c' then 'deleted' when 'n' then 'set_null' when 'd' then 'set_default' else 'refused' end as action,
    (
      select jsonb_agg(jsonb_build_array(quote_ident(own.attname), quote_ident(other.attname)) order by at)
      from generate_subscripts(conkey, 1) as at
      join pg_attribute own on own.attrelid = conrelid and own.attnum = conkey[at]
      join pg_attribute other on other.attrelid = confrelid and other.attnum = confkey[at]
    ) as columns,
    relkind = 'p' as "isPartitioned",
    has_table_privilege(conrelid, 'select') and has_schema_privilege(relnamespace, 'usage') and not row_security_active(conrelid)
      as "isReadable"
  from names
  cross join pg_constraint
  join pg_class on pg_class.oid = conrelid
  join pg_namespace on pg_namespace.oid = relnamespace
  where contype = 'f' and conparentid = 0 and confdeltype::text = any(${[...actions]}::text[])
    and conrelid <> all(array(select to_regclass(kept)::oid from unnest(${keptAlong}::text[]) as kept where to_regclass(kept) is not null))
  order by name, conname`
