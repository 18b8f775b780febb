import type { Pool } from '../../server/database/sql.ts'

/** Inserts an edge: the job with the first uuid waits for the one with the second. */
export const addEdge = (sql: Pool, job: string, needs: string) =>
  sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${job}, ${needs})`

/** A job of another program, as its SQL would insert it, and `n` queued jobs that wait for it. Returns the id of the first. */
export async function waitingFor(
  sql: Pool,
  n: number,
  { uuid, domain = 'chatbooks', of = 'chatbooks' }: { uuid: string; domain?: string; of?: string },
): Promise<number> {
  const [job] = await sql<{ id: number }[]>`
    insert into jobs (uuid, domain, queue, job_type, status, payload, created_at, available_at)
    values (${uuid}, ${of}, 'default', 'export', 'queued', '{}', now(), now())
    returning id`
  await sql`
    with inserted as (
      insert into jobs (uuid, domain, queue, job_type, status, payload, created_at, available_at)
      select ${`${uuid}-`}::text || n, ${domain}, 'default', 'export', 'queued', '{}', now(), now()
      from generate_series(1, ${n}::int) as n
      returning uuid
    )
    insert into job_dependencies (job_uuid, depends_on_job_uuid) select uuid, ${uuid} from inserted`
  return Number(job?.id)
}
