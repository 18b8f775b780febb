import * as z from 'zod'

/** Runs a statement; several drivers of PostgreSQL's types are among them. */
type Run = (text: TemplateStringsArray, ...values: (string | number)[]) => PromiseLike<readonly unknown[]>

const Inserted = z.object({ id: z.coerce.number() })

/** Inserts an edge: the job with the first uuid waits for the one with the second. */
export const addEdge = (sql: Run, job: string, needs: string) =>
  sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${job}, ${needs})`

/** A job of another program, as its SQL would insert it, and `n` queued jobs that wait for it. Returns the id of the first. */
export async function waitingFor(
  sql: Run,
  n: number,
  { uuid, domain = 'chatbooks', of = 'chatbooks' }: { uuid: string; domain?: string; of?: string },
): Promise<number> {
  const [job] = await sql`
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
  return Inserted.parse(job).id
}
