import type { Progress } from '../shared/changes/bulk-change.ts'
import type { Pool, Sql } from './database/sql.ts'
import type { Log } from './log.ts'
import type { EventWatermark } from './waiting/event-watermark.ts'
import type { LongPolls } from './waiting/long-poll.ts'
import type { SingleFlight } from './waiting/single-flight.ts'

/** What every operation is given of the server's settings and shared parts. */
export interface ServerContext {
  sql: Pool
  quarantineThreshold: number
  leaseMaxSeconds: number
  /** The largest body, beside the payloads and results in it. */
  maxBodyBytes: number
  /** The largest payload or result, in bytes of UTF-8. */
  maxJsonBytes: number
  requireCompletionToken: boolean
  /** Where calls are held until there is work. */
  longPolls: LongPolls
  eventWatermark: EventWatermark
  singleFlight: SingleFlight
  /** Keep deleted jobs in the archive, so that a prune can be undone. */
  archiveBeforeDelete: boolean
  archiveDays: number
  /** How long rows that others hold are waited for, in milliseconds. */
  lockTimeoutMs: number
  /** The operations that run here, whatever their records look like to others. */
  localOperations: Set<number>
  /** The longest that a call may be silent, in milliseconds, should the database not keep its own limits. */
  callTimeoutMs: number
  log: Log
  /** Ends when the server stops. */
  stopping: AbortSignal
}

/** One request as an operation sees it. */
export interface Call extends ServerContext {
  /** Who asks, as the records name them. */
  caller: string
  requestId: string
  /** For a call that waits. Throws Failure `unauthenticated` when its token has ended meanwhile. */
  recheckCredentials: () => Promise<void>
  /** Why, in the caller's words. */
  reason: string | undefined
  /** The caller's own name for this change, by which its repetition is known. */
  idempotencyKey: string | undefined
  /** Ends when the caller is gone before it has its answer. Made when it is asked for: few calls have time to ask. */
  disconnected: () => AbortSignal
  /** Tells the caller how far a change has come: at its begin, and after each batch. */
  reportProgress: (progress: Progress) => void
  /** Tells the log how many rows were changed. */
  reportChangedRows: (rows: number) => void
}

/** The one time that a whole call goes by: its preview's, or now. */
export const referenceTime = (sql: Sql, { asOf }: { asOf?: string | undefined }) =>
  sql`coalesce(${asOf ?? null}::text::timestamptz, now())`
