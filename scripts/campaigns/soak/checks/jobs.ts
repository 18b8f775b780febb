import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import type { Verdict } from '../../verdict.ts'

/** The jobs that are there or in the archive. */
const everywhere = (sql: Sql) => sql`
  (select id, payload, status from jobs union all select id, payload, status from jobs_archive) as known`

/** The most violations of one kind that are listed. */
const most = 20

/** Checks what became of the jobs: `ids` are those that a server has confirmed, and `folder` has what workers have completed. */
export async function checkJobs(sql: Sql, ids: readonly number[], folder: string): Promise<Verdict[]> {
  const completed = await completedBy(folder)
  const lost = await sql<{ id: number }[]>`
    select id::float8 from unnest(${ids}::bigint[]) as id
    where not exists (select from jobs where jobs.id = id.id) and not exists (select from jobs_archive a where a.id = id.id)
    limit ${most}`
  const twice = await sql<{ n: string; count: number }[]>`
    select payload ->> 'n' as n, count(*)::int from ${everywhere(sql)}
    group by payload ->> 'n' having count(*) > 1 limit ${most}`
  const undone = await sql<{ id: number; status: string | null }[]>`
    select id.id::float8, known.status from unnest(${completed}::bigint[]) as id
    left join ${everywhere(sql)} on known.id = id.id
    where known.status is distinct from 'completed' limit ${most}`
  const doneTwice = await sql<{ job: number; count: number }[]>`
    select job_id::float8 as job, count(*)::int from job_events where event_type = 'job.completed'
    group by job_id having count(*) > 1 limit ${most}`
  const live = await sql<{ what: string }[]>`
    select concat_ws(', ', 'job ' || id || ' is ' || status, 'due in ' || (available_at - now()), 'retries: ' || retry_count) as what
    from jobs where status in ('queued', 'processing') limit ${most}`
  const looked = ids.length
  return [
    {
      claim: 'every job that was confirmed is there, or in the archive',
      looked,
      wrong: lost.map(({ id }) => `job ${id}`),
    },
    { claim: 'every job was made once', looked, wrong: twice.map(({ n, count }) => `number ${n}: ${count} jobs`) },
    { claim: 'every job has ended', looked, wrong: live.map(({ what }) => what) },
    {
      claim: 'every completion that a worker was confirmed stands',
      looked: completed.length,
      wrong: undone.map(({ id, status }) => `job ${id} is ${status ?? 'gone'}`),
    },
    {
      claim: 'no job was completed twice',
      looked: completed.length,
      wrong: doneTwice.map(({ job, count }) => `job ${job}: ${count} times`),
    },
  ]
}

/** The ids that workers wrote down, in a file for each process; one that is killed may leave half a line at the end. */
async function completedBy(folder: string): Promise<number[]> {
  const files = (await readdir(folder)).filter((name) => name.startsWith('completed-'))
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.split('\n').slice(0, -1).map(Number))
}
