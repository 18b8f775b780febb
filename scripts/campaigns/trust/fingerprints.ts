import type { Sql } from 'postgres'
import { domains } from './fill.ts'

/** Row counts and hashes of all rows that a round must not lose, duplicate or alter, as text `<rows>:<md5>`. */
export interface Fingerprints {
  /** Of jobs and archived jobs together, by domain. */
  jobs: Record<string, string>
  attachments: string
  dependencies: string
  /** The number of jobs that are in more than one table. */
  duplicates: number
}

/**
 * Hashes the text of whole rows, including the archive. The fingerprints do not change when a prune moves rows to the
 * archive or an undo moves them back.
 */
export async function takeFingerprints(sql: Sql): Promise<Fingerprints> {
  const names = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = to_regclass('jobs') and attnum > 0 and not attisdropped order by attnum`
  const columns = columnList(
    sql,
    names.map(({ name }) => name),
  )
  const [row] = await sql<[Fingerprints]>`
    with everywhere as materialized (
      select ${columns} from jobs
      union all
      select ${columns} from jobs_archive
    ),
    attached as (
      select to_jsonb(attached)::text as line from job_attachments as attached
      union all
      select to_jsonb(attached)::text
      from jobs_archive, jsonb_populate_recordset(null::job_attachments, job_attachments) as attached
    ),
    edges as (
      select to_jsonb(edge)::text as line from job_dependencies as edge
      -- The archive has an edge between two jobs with both jobs, so UNION removes the duplicate.
      union
      select to_jsonb(edge)::text
      from jobs_archive, jsonb_populate_recordset(null::job_dependencies, job_dependencies) as edge
    )
    select
      (
        select jsonb_object_agg(domain, fingerprint)
        from (select domain, ${fingerprintOf(sql, sql`everywhere::text`, sql`id`)} as fingerprint from everywhere group by domain) as each
      ) as jobs,
      (select ${fingerprintOf(sql, sql`line`, sql`line collate "C"`)} from attached) as attachments,
      (select ${fingerprintOf(sql, sql`line`, sql`line collate "C"`)} from edges) as dependencies,
      (select count(*) - count(distinct id) from everywhere)::int as duplicates`
  return row
}

/**
 * Returns the list of columns. `updated_at` is null in domains that are requeued and swept, since an undo updates it.
 */
function columnList(sql: Sql, names: readonly string[]): Fragment {
  const updated = [domains.quarantined, domains.stale]
  return names
    .map((name) =>
      name === 'updated_at'
        ? sql`case when domain = any(${updated}) then null else updated_at end as updated_at`
        : sql`${sql(name)}`,
    )
    .reduce((list, column) => sql`${list}, ${column}`)
}

type Fragment = ReturnType<Sql['unsafe']>

const fingerprintOf = (sql: Sql, line: Fragment, order: Fragment): Fragment =>
  sql`count(*) || ':' || coalesce(md5(string_agg(md5(${line}), '' order by ${order})), '')`

/** Returns the names of the parts that differ. Does not compare the domains in `ignored`. */
export function differingParts(one: Fingerprints, other: Fingerprints, ignored: readonly string[]): string[] {
  const compared = Object.values(domains).filter((domain) => !ignored.includes(domain))
  return [
    ...compared.filter((domain) => one.jobs[domain] !== other.jobs[domain]),
    ...(['attachments', 'dependencies', 'duplicates'] as const).filter((part) => one[part] !== other[part]),
  ]
}
