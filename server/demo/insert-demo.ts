import { Failure } from '../../shared/errors.ts'
import type { Pool } from '../database/sql.ts'
import { insertIncident } from './incident.ts'
import { writePast } from './past.ts'
import { insertSampleJobs } from './sample-jobs.ts'

/** The refusal of sample jobs beside other jobs. */
export const hasJobs = (): Failure =>
  new Failure('conflict', 'the database has jobs; nothing was changed', {
    hint: 'an empty database of its own: env -u JOBS_DB_URL JOBS_DATA_DIR=./demo-data jobs-server demo',
  })

/**
 * Fills an empty database that has its tables with sample jobs and an incident, and with their past.
 * @throws Failure `conflict` for a database that has jobs, in which nothing is changed
 */
export async function insertDemo(sql: Pool): Promise<void> {
  await sql.begin(async (transaction) => {
    const [job] = await transaction`select from jobs limit 1`
    if (job) throw hasJobs()
    await insertSampleJobs(transaction)
    await insertIncident(transaction)
    await writePast(transaction)
  })
}
