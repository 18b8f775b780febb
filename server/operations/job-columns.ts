import { Job } from '../../shared/job.ts'
import type { Fragment, Sql } from '../database/sql.ts'

const names = Object.keys(Job.shape)
  .map((name) => `jobs.${name}`)
  .join(', ')

/** The columns of `jobs` that the wire has. */
export const jobColumns = (sql: Sql): Fragment => sql.unsafe(names)
