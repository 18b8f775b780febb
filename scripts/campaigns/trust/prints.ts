import type { Sql } from 'postgres'
import { domains } from './fill.ts'

/** Fingerprints of everything that must neither be lost nor doubled nor altered, wherever it is. */
export interface Prints {
  /** By domain. */
  jobs: Record<string, string>
  attachments: string
  dependencies: string
  /** Jobs that are in more than one place. */
  doubled: number
}

/**
 * Takes fingerprints over the text of whole rows, those of the archive among them: while a prune moves rows there, and an
 * undo moves them back, these stay the same.
 */
export async function takePrints(sql: Sql): Promise<Prints> {
  const names = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = to_regclass('jobs') and attnum > 0 and not attisdropped order by attnum`
  const columns = listOf(
    sql,
    names.map(({ name }) => name),
  )
  const [row] = await sql<[Prints]>`
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
      -- An edge between two jobs is kept with each of them.
      union
      select to_jsonb(edge)::text
      from jobs_archive, jsonb_populate_recordset(null::job_dependencies, job_dependencies) as edge
    )
    select
      (
        select jsonb_object_agg(domain, print)
        from (select domain, ${printOf(sql, sql`everywhere::text`, sql`id`)} as print from everywhere group by domain) as each
      ) as jobs,
      (select ${printOf(sql, sql`line`, sql`line collate "C"`)} from attached) as attachments,
      (select ${printOf(sql, sql`line`, sql`line collate "C"`)} from edges) as dependencies,
      (select count(*) - count(distinct id) from everywhere)::int as doubled`
  return row
}

/** Every column. A requeue and a sweep that are taken back leave the time of the last change, which is theirs. */
function listOf(sql: Sql, names: readonly string[]): Fragment {
  const moved = [domains.hard, domains.stale]
  return names
    .map((name) =>
      name === 'updated_at'
        ? sql`case when domain = any(${moved}) then null else updated_at end as updated_at`
        : sql`${sql(name)}`,
    )
    .reduce((list, column) => sql`${list}, ${column}`)
}

type Fragment = ReturnType<Sql['unsafe']>

const printOf = (sql: Sql, line: Fragment, order: Fragment): Fragment =>
  sql`count(*) || ':' || coalesce(md5(string_agg(md5(${line}), '' order by ${order})), '')`

/** What is not alike, by name; `free` are domains whose jobs are changed on purpose. */
export function differences(one: Prints, other: Prints, free: readonly string[]): string[] {
  const compared = Object.values(domains).filter((domain) => !free.includes(domain))
  return [
    ...compared.filter((domain) => one.jobs[domain] !== other.jobs[domain]),
    ...(['attachments', 'dependencies', 'doubled'] as const).filter((part) => one[part] !== other[part]),
  ]
}
