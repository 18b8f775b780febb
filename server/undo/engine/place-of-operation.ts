import type { OperationRecord } from '../../../shared/records/records.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import type { Sql } from '../../database/sql.ts'
import { choicesOf, narrowedTo, type Place } from '../../engines/served.ts'
import { isJobOfImage } from '../restore-columns.ts'

/** The table whose jobs an operation works on; null for our own jobs, and for a record that has none. */
export async function tableOfOperation(sql: Sql, operation: number): Promise<string | null> {
  const [term] = await sql<{ place: string | null }[]>`
    select place from jobsctl_operation_terms where operation_id = ${operation}::bigint`
  return term?.place ?? null
}

/** A record with the domain that its table has now, where a client is about the jobs of that table. */
export async function withDomainNow<Known extends Pick<OperationRecord, 'id' | 'domain'>>(
  sql: Sql,
  record: Known,
): Promise<Known> {
  const place = namesOf(sql)?.place
  if (!place || record.domain === null || record.domain === place.domain) return record
  return (await tableOfOperation(sql, record.id)) === place.table ? { ...record, domain: place.domain } : record
}

/**
 * The place whose jobs an operation has changed, among those that a server chooses from; undefined for our own jobs, for a place that is
 * not served, and where there is nothing to choose. Without its table a record says its domain; without both, the only place that has such jobs
 * is meant.
 */
export async function placeOfOperation(sql: Sql, operation: number): Promise<Place | undefined> {
  const places = choicesOf(sql)
  if (places.length === 0) return undefined
  const table = await tableOfOperation(sql, operation)
  if (table !== null) return places.find(({ names }) => names.place?.table === table)
  const [record] = await sql<{ domain: string | null }[]>`
    select domain from job_operations where id = ${operation}::bigint`
  if (!record) return undefined
  const { domain } = record
  if (domain !== null) return places.find(({ found }) => found.domain === domain)
  const found: Place[] = []
  for (const place of places) if (await hasJobsOf(narrowedTo(sql, place), operation)) found.push(place)
  return found.length === 1 ? found[0] : undefined
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
