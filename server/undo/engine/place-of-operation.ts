import type { Sql } from '../../database/sql.ts'
import { choicesOf, narrowedTo, type Place } from '../../engines/served.ts'
import { isJobOfImage } from '../restore-columns.ts'

/**
 * The place whose jobs an operation has changed, among those that a server chooses from; undefined for our own jobs, for a domain that is
 * not served, and where there is nothing to choose. A record says its domain, but for those that a server of one place has written.
 */
export async function placeOfOperation(sql: Sql, operation: number): Promise<Place | undefined> {
  const places = choicesOf(sql)
  if (places.length === 0) return undefined
  const [record] = await sql<{ domain: string | null }[]>`
    select domain from job_operations where id = ${operation}::bigint`
  if (!record) return undefined
  const { domain } = record
  if (domain !== null) return places.find(({ found }) => found.domain === domain)
  for (const place of places) if (await hasJobsOf(narrowedTo(sql, place), operation)) return place
  return undefined
}

/** Whether the jobs of a client have some that an operation has changed: archived, or with images. */
export async function hasJobsOf(sql: Sql, operation: number): Promise<boolean> {
  const [row] = await sql<[{ there: boolean }]>`
    select exists (select from jobs_archive as archived where archived.operation_id = ${operation}::bigint)
      or exists (
        select from job_operation_rows as kept join jobs on ${isJobOfImage(sql)}
        where kept.operation_id = ${operation}::bigint and kept.job_ref is not null
      ) as there`
  return row.there
}

/** A client for the jobs that an operation has changed. */
export async function clientOfOperation<Target extends Sql>(sql: Target, operation: number): Promise<Target> {
  const place = await placeOfOperation(sql, operation)
  return place ? narrowedTo(sql, place) : sql
}
