import { Job } from '../../shared/work/job.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

const names = Object.keys(Job.shape)
  .map((name) => `jobs.${name}`)
  .join(', ')

/** The columns of `jobs` that an answer contains, separated by commas. */
export const jobColumns = staticFragment((sql) => sql.unsafe(names))

/** A row of a left join to `jobs`: every column is null where there is no job. */
export type PerhapsJob = { [Name in keyof Job]: Job[Name] | null }

/** True where the left join found a job. */
export const isJob = <Row extends PerhapsJob>(row: Row): row is Row & Job => row.id !== null

/** True for the row of `jobs` that has the idempotency key of `item`, in the domain, queue and job type of `item`. */
export const hasKeyOf = (sql: Sql, item: Fragment): Fragment => sql`
  jobs.domain = ${item}.domain and jobs.queue = ${item}.queue and jobs.job_type = ${item}.job_type
  and jobs.idempotency_key = ${item}.idempotency_key`
