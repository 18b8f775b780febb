import * as z from 'zod'
import { Count } from '../scope.ts'

/** The limits for which a change can wait between two batches: of replicas, replication slots, the archive. */
export const pressures = ['replica_lag', 'kept_wal', 'archive_size'] as const
export type PressureKind = (typeof pressures)[number]

/** Why a change waits between two batches, and for how long already. */
export const Waiting = z.object({
  /** One of `pressures`, or `frozen`; later servers may send others. */
  why: z.string(),
  /** The replica, the replication slot, the table, or who froze the database. */
  name: z.string(),
  /** Seconds for `replica_lag` and `frozen`, bytes for the others. */
  value: z.number(),
  limit: z.number(),
  /** The same as a clause. */
  detail: z.string(),
  seconds: Count,
})
export type Waiting = z.output<typeof Waiting>
