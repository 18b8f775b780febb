import type { ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { Failure } from '../../../shared/errors.ts'
import { isKeptByHold } from '../../database/kept-by-hold.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { ForeignKey, ForeignPath } from './foreign-keys.ts'

/**
 * A query of one value: how many rows of each table are deleted with the jobs of a set, as JSON (`ForeignRows[]`). Tables without
 * such rows are left out. Rows that the server may not read count as null.
 * @param matching `from jobs where …`
 */
export function countForeignRows(sql: Sql, paths: readonly ForeignPath[], matching: Fragment): Fragment {
  if (paths.length === 0) return sql`select '[]'::jsonb`
  const counts = [...grouped(paths)].map(([, ways]) => countOf(sql, ways, matching))
  return sql`
    select coalesce(jsonb_agg(jsonb_build_object('table', name, 'action', action, 'rows', rows) order by action, name), '[]')
    from (${counts.reduce((all, one) => sql`${all} union all ${one}`)}) as counted
    where rows is distinct from 0`
}

/** The ways to the same table with the same end. */
function grouped(paths: readonly ForeignPath[]): Map<string, ForeignPath[]> {
  const groups = new Map<string, ForeignPath[]>()
  for (const path of paths) {
    const { table, action } = endOf(path)
    const key = `${action} ${table}`
    groups.set(key, [...(groups.get(key) ?? []), path])
  }
  return groups
}

const endOf = (path: ForeignPath): ForeignKey => path.at(-1) ?? path[0]

function countOf(sql: Sql, ways: readonly ForeignPath[], matching: Fragment): Fragment {
  const [first] = ways
  if (!first) throw new Error('a table without a way to it')
  const { table, name, action } = endOf(first)
  const labels = sql`${name}::text as name, ${action}::text as action`
  if (ways.some((path) => path.some(({ isReadable }) => !isReadable)))
    return sql`select ${labels}, null::bigint as rows`
  const isAlong = ways.map((path) => refersTo(sql, path, matching)).reduce((one, other) => sql`${one} or ${other}`)
  // A job that is deleted with another job, and does not belong to the set.
  const isOther = table === 'jobs' ? sql`and id not in (select id ${matching})` : sql``
  return sql`select ${labels}, (select count(*) from ${rowsOf(sql, endOf(first))} where (${isAlong}) ${isOther}) as rows`
}

/** The rows of a table, and of its partitions, as `foreign_row`. */
export const rowsOf = (sql: Sql, { name, isPartitioned }: ForeignKey): Fragment =>
  sql`${sql.unsafe(isPartitioned ? name : `only ${name}`)} as foreign_row`

/** A condition on rows of the last table of the path: they refer, over the tables between, to a job of the set. */
function refersTo(sql: Sql, path: ForeignPath, matching: Fragment): Fragment {
  const last = endOf(path)
  const [own, referred] = [0, 1].map((side) => last.columns.map((pair) => pair[side]).join(', '))
  const [first, ...more] = path.slice(0, -1)
  const parents = first
    ? sql`from ${rowsOf(sql, endOf([first, ...more]))} where ${refersTo(sql, [first, ...more], matching)}`
    : matching
  return sql`(${sql.unsafe(own ?? '')}) in (select ${sql.unsafe(referred ?? '')} ${parents})`
}

/** The foreign keys that delete rows of other tables directly with a job. */
const deletingKeys = (paths: readonly ForeignPath[]): ForeignKey[] =>
  paths.flatMap(([key, ...more]) => (more.length === 0 && key.action === 'deleted' ? [key] : []))

/**
 * `and …`, on `jobs`: no row of another table is deleted along, nor a job that is queued or running; nothing where no foreign key
 * does that.
 */
export function withoutForeignRows(sql: Sql, paths: readonly ForeignPath[], holds: Holds): Fragment {
  const kept = isKeptByHold(sql, holds)
  const orKept = kept ? sql`or exists (select from jobs where jobs.id = foreign_row.id and ${kept})` : sql``
  // A change is refused where there are rows that the server may not read (`refuseForeignRows`).
  const readable = deletingKeys(paths).filter(({ isReadable }) => isReadable)
  const conditions = readable.map((key) => {
    const isReferred = key.columns.map(([own, referred]) => sql.unsafe(`foreign_row.${own} = jobs.${referred}`))
    // A job that has ended and is deleted with another is of the set, or was looked for before the first batch; a hold may have come since.
    const isLive = key.table === 'jobs' ? sql`and (foreign_row.status in ('queued', 'processing') ${orKept})` : sql``
    const isAlong = isReferred.reduce((one, other) => sql`${one} and ${other}`)
    return sql`and not exists (select from ${rowsOf(sql, key)} where ${isAlong} ${isLive})`
  })
  return conditions.reduce((one, other) => sql`${one} ${other}`, sql``)
}

/**
 * Refuses a prune that would delete rows of other tables along.
 * @throws Failure `foreign_rows` where there are such rows, or may be
 */
export async function refuseForeignRows(sql: Sql, paths: readonly ForeignPath[], matching: Fragment): Promise<void> {
  const keys = deletingKeys(paths)
  if (keys.length === 0) return
  const [{ found }] = await sql<[{ found: ForeignRows[] }]>`
    select (${countForeignRows(
      sql,
      keys.map((key): ForeignPath => [key]),
      matching,
    )}) as found`
  if (found.length === 0) return
  const tables = found.map(
    ({ table, rows }) => `${table} ${rows === null ? '(unknown)' : rows.toLocaleString('en-US')}`,
  )
  throw new Failure(
    'foreign_rows',
    `foreign keys would delete rows of other tables along with the jobs, and no undo gives them back: ${tables.join(', ')}; nothing was changed`,
    { hint: 'set with_foreign_rows to delete them, or leave out their jobs' },
  )
}
