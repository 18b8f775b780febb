import type { NewJob } from '../../../shared/work/enqueue.ts'
import type { Pool, Sql, Transaction } from '../../database/sql.ts'
import type { JobShape, NamedJob } from '../job-row.ts'
import type { Entry, EntryRow } from './insert-jobs.ts'

/** A job whose idempotency key holds only while the job is queued or processing (`unique: while_queued`). */
export type UniqueEntry = Entry & { idempotency_key: string }

export const isUnique = <Job extends NewJob>(job: Job): job is Job & { idempotency_key: string } =>
  job.unique !== undefined && job.idempotency_key !== undefined

/** The job as its row has it: the key is in its claim alone, since a row that ends would keep it for ever. */
export const asStored = (entry: Entry): Entry =>
  isUnique(entry) ? { ...entry, idempotency_key: undefined, unique: undefined } : entry

/** The name of the claim of a job, for comparisons. */
export const claimOf = ({ domain, queue, job_type, idempotency_key }: UniqueEntry): string =>
  JSON.stringify([domain, queue, job_type, idempotency_key])

const claims = (sql: Sql, entries: readonly UniqueEntry[]) => {
  const rows = entries.map(({ n, uuid, domain, queue, job_type, idempotency_key: key }) => ({
    ...{ n, uuid, domain, queue, job_type, key },
  }))
  return sql`
    jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as request (
      n int, uuid text, domain text, queue text, job_type text, key text
    )`
}

/**
 * Locks the claims of these jobs until the end of the transaction, and finds the jobs that hold them: those that are queued or processing. The
 * claims are locked first, and judged in a statement after it: a statement that waits for a lock has an older snapshot.
 * @param entries of different claims
 * @returns the job that holds the claim of each entry; a claim that is free is missing
 */
export async function lockClaims<Row extends NamedJob>(
  tx: Transaction,
  entries: readonly UniqueEntry[],
  shape: JobShape<Row>,
): Promise<EntryRow<Row>[]> {
  // Sent together: the second statement begins after the first one has the locks. All calls lock in one order. A row that is there is
  // locked and not written.
  const [, rows] = await Promise.all([
    tx`
      insert into jobsctl_claims as claim (domain, queue, job_type, key, job_uuid)
      select domain, queue, job_type, key, uuid
      from ${claims(tx, entries)}
      order by domain, queue, job_type, key
      on conflict (domain, queue, job_type, key) do update set job_uuid = claim.job_uuid where false`,
    tx<(Row & { n: number })[]>`
      select request.n, job.*
      from ${claims(tx, entries)}
      join jobsctl_claims as claim using (domain, queue, job_type, key)
      cross join lateral (
        select ${shape.selected(tx)}
        from jobs
        where jobs.uuid = claim.job_uuid and jobs.domain = claim.domain and jobs.queue = claim.queue
          and jobs.job_type = claim.job_type and jobs.status in ('queued', 'processing')
        offset 0
      ) as job`,
  ])
  return rows.map((job) => ({ n: job.n, job }))
}

/** Gives the claims, which the transaction has locked, to these jobs. */
export const giveClaims = (tx: Transaction, entries: readonly UniqueEntry[]) => tx`
  update jobsctl_claims as claim
  set job_uuid = request.uuid
  from ${claims(tx, entries)}
  where claim.domain = request.domain and claim.queue = request.queue and claim.job_type = request.job_type
    and claim.key = request.key and claim.job_uuid <> request.uuid`

/** A claim as the walk of those that are left over knows it. */
export interface ClaimPosition {
  domain: string
  queue: string
  job_type: string
  key: string
}

export const firstClaim: ClaimPosition = { domain: '', queue: '', job_type: '', key: '' }

/** The most claims that one statement looks at. */
const piece = 5000

/**
 * Looks at the next claims, and deletes those whose jobs do not exist any more. A claim that somebody has locked is left: a job takes it over.
 * A claim that was taken over since the look has another job, which the comparison of the uuid sees.
 * @returns where to go on; undefined at the end
 */
export async function deleteLeftClaims(
  sql: Pool,
  after: ClaimPosition,
): Promise<{ deleted: number; next: ClaimPosition | undefined }> {
  const [walked] = await sql<[{ deleted: number; next: ClaimPosition | null }]>`
    with seen as materialized (
      select domain, queue, job_type, key, job_uuid
      from jobsctl_claims
      where (domain, queue, job_type, key) > (${after.domain}::text, ${after.queue}::text, ${after.job_type}::text, ${after.key}::text)
      order by domain, queue, job_type, key
      limit ${piece}
    ),
    gone as materialized (
      select * from seen where not exists (select from jobs where jobs.uuid = seen.job_uuid offset 0)
    ),
    locked as materialized (
      select domain, queue, job_type, key
      from jobsctl_claims as claim
      join gone using (domain, queue, job_type, key, job_uuid)
      for update of claim skip locked
    ),
    deleted as (
      delete from jobsctl_claims as claim
      using locked
      where claim.domain = locked.domain and claim.queue = locked.queue and claim.job_type = locked.job_type and claim.key = locked.key
      returning 1
    )
    select
      (select count(*) from deleted) as deleted,
      case when (select count(*) from seen) = ${piece} then (
        select jsonb_build_object('domain', domain, 'queue', queue, 'job_type', job_type, 'key', key)
        from seen
        order by domain desc, queue desc, job_type desc, key desc
        limit 1
      ) end as next`
  return { deleted: walked.deleted, next: walked.next ?? undefined }
}
