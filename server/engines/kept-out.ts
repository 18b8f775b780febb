import { sharedTables } from '../database/migrate/absent-before.ts'

/**
 * The tables of the migrations that are not made beside the jobs of another engine: they are about jobs of our own, and a table `jobs`
 * would be taken for them. The event log is made: it has what operators did.
 */
export const keptOut: readonly string[] = sharedTables.filter((table) => table !== 'job_events')
