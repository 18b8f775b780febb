import { Job } from '../../shared/work/job.ts'
import type { Fragment, Sql } from '../database/sql.ts'

const names = Object.keys(Job.shape)
  .map((name) => `jobs.${name}`)
  .join(', ')

/** The columns of `jobs` that the wire has. */
export const jobColumns = (sql: Sql): Fragment => sql.unsafe(names)

/** A job that may be missing: what a left join answers. */
export type PerhapsJob = { [Name in keyof Job]: Job[Name] | null }

export const isJob = <Row extends PerhapsJob>(row: Row): row is Row & Job => row.id !== null

/** True for the row of `jobs` that has the idempotency key of `item`, in its domain, queue and type. */
export const hasKeyOf = (sql: Sql, item: Fragment): Fragment => sql`
  jobs.domain = ${item}.domain and jobs.queue = ${item}.queue and jobs.job_type = ${item}.job_type
  and jobs.idempotency_key = ${item}.idempotency_key`
