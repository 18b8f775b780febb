import type { Pool, Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'
import type { Waiting } from '../waiting.ts'
import type { Horizon } from './horizon.ts'

/** What every operation is given of the server's settings and shared parts. */
export interface Serving {
  sql: Pool
  quarantineThreshold: number
  leaseMaxSeconds: number
  /** The largest body, beside the payloads and results in it. */
  maxBodyBytes: number
  /** The largest payload or result, in bytes of UTF-8. */
  maxJsonBytes: number
  requireCompletionToken: boolean
  /** Where calls are held until there is work. */
  waiting: Waiting
  horizon: Horizon
  log: Log
  /** Ends when the server stops. */
  stopping: AbortSignal
}

/** One request as an operation sees it. */
export interface Call extends Serving {
  /** Who asks, as the records name them. */
  caller: string
  requestId: string
  /** Why, in the caller's words. */
  reason: string | undefined
  /** The reference time of the preview that this call goes by: ISO 8601, to the microsecond. */
  asOf: string | undefined
  /** Ends when the caller is gone before it has its answer. */
  gone: AbortSignal
  /** Tells the caller at what time a preview was taken. */
  previewed: (asOf: string) => void
  /** Tells the log how many rows were changed. */
  changed: (rows: number) => void
}

/** The one time that a whole call goes by: its preview's, or now; never one that is still to come. */
export const referenceTime = (sql: Sql, { asOf }: Pick<Call, 'asOf'>) =>
  sql`least(coalesce(${asOf ?? null}::text::timestamptz, now()), now())`

/** The reference time for the wire, to the microsecond, so that it comes back as what it was. */
export const referenceTimeText = (sql: Sql, call: Pick<Call, 'asOf'>) =>
  sql`to_char(${referenceTime(sql, call)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
