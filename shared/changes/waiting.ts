import * as z from 'zod'
import { Count } from '../scope.ts'

/** The limits for which a change can wait between two batches: of replicas, replication slots, the archive. */
export const pressures = ['replica_lag', 'kept_wal', 'archive_size'] as const
export type PressureKind = (typeof pressures)[number]

/** Why a change waits between two batches, and for how long already. */
export const Waiting = z.object({
  why: z.string().describe('One of `pressures`, or `frozen`; later servers may send others.'),
  name: z.string().describe('The replica, the replication slot, the table, or who froze the database.'),
  value: z.number().describe('Seconds for `replica_lag` and `frozen`, bytes for the others.'),
  limit: z.number(),
  detail: z.string().describe('The same as a clause.'),
  seconds: Count,
})
export type Waiting = z.output<typeof Waiting>
