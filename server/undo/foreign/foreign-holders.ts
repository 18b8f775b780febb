import type { ForeignHolder } from '../../../shared/changes/bulk-change.ts'
import { Failure } from '../../../shared/errors.ts'
import { digits } from '../../bulk/limits/size.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { ForeignKey } from './foreign-keys.ts'
import { rowsOf } from './foreign-rows.ts'

/** On `jobs`: a row of the table refers to the job. */
function refersToJob(sql: Sql, key: ForeignKey): Fragment {
  const isReferred = key.columns.map(([own, referred]) => sql.unsafe(`foreign_row.${own} = jobs.${referred}`))
  return sql`exists (
    select from ${rowsOf(sql, key)} where ${isReferred.reduce((one, other) => sql`${one} and ${other}`)}
  )`
}

const readable = (keys: readonly ForeignKey[]) => keys.filter(({ isReadable }) => isReadable)

/** On `jobs`: true where a row of another table forbids that the job is deleted. The database judges rows that the server may not read. */
export const isHeldByForeignRows = (sql: Sql, keys: readonly ForeignKey[]): Fragment =>
  sql`(${readable(keys).reduce((any, key) => sql`${any} or ${refersToJob(sql, key)}`, sql`false`)})`

/**
 * A query of one value: which tables forbid that jobs of a set are deleted, as JSON (`ForeignHolder[]`).
 * @param matching `from jobs where …`
 */
export function listForeignHolders(sql: Sql, keys: readonly ForeignKey[], matching: Fragment): Fragment {
  const found = readable(keys).map(
    (key) => sql`
      select ${key.name}::text as name, count(*) as jobs, min(jobs.id) as job_id
      ${matching} and ${refersToJob(sql, key)}`,
  )
  const [first, ...more] = found
  if (!first) return sql`select '[]'::jsonb`
  return sql`
    select coalesce(jsonb_agg(jsonb_build_object('table', name, 'jobs', jobs, 'job_id', job_id) order by name), '[]')
    from (${more.reduce((all, one) => sql`${all} union all ${one}`, first)}) as counted
    where jobs > 0`
}

/**
 * Refuses a prune of jobs to which rows of other tables refer by a foreign key that forbids it. A job of `jobs` itself may go in the same
 * batch as the one that it refers to, and is left to the database.
 * @throws Failure `conflict` with one job and its table
 */
export async function refuseForeignHolders(sql: Sql, keys: readonly ForeignKey[], matching: Fragment): Promise<void> {
  const others = keys.filter(({ table }) => table !== 'jobs')
  if (readable(others).length === 0) return
  const [{ found }] = await sql<[{ found: ForeignHolder[] }]>`
    select (${listForeignHolders(sql, others, matching)}) as found`
  const texts = found.map(
    ({ table, jobs, job_id }) =>
      `${table} refers to ${jobs === 1 ? `job ${job_id}` : `${digits(jobs)} jobs, such as job ${job_id}`}`,
  )
  if (texts.length === 0) return
  throw new Failure(
    'conflict',
    `foreign keys of other tables forbid that some of the jobs are deleted: ${texts.join('; ')}; nothing was changed`,
    { hint: 'pass_over_foreign leaves these jobs out, on the command line --pass-over-foreign' },
  )
}
