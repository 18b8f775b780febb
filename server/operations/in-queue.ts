import { fixed } from '../database/fixed.ts'
import type { Fragment, Sql } from '../database/sql.ts'

export interface Queue {
  domain: string
  queue: string
}

/**
 * Jobs of one queue as the indexes `jobsctl_next` and `jobsctl_queue_leases` have them. The names of a queue
 * have no control characters, so that one of these can stand between them.
 */
const inQueue = (sql: Sql, { domain, queue }: Queue): Fragment => sql`
  domain || chr(31) || queue = ${`${domain}\u001f${queue}`}`

/** Queued in this queue. */
export const isQueuedIn = (sql: Sql, queue: Queue): Fragment => sql`
  (status = 'queued') is true and ${inQueue(sql, queue)}`

/** Running in this queue. */
export const isRunningIn = (sql: Sql, queue: Queue): Fragment => sql`
  (status = 'processing') is true and ${inQueue(sql, queue)}`

/** When a lease runs out; one without a time has run out. */
export const leaseEnd = fixed((sql) => sql`coalesce(leased_until, '-infinity')`)
