import type { Failure } from '../shared/errors.ts'
import type { PoolMeter } from './database/connection/pool-meter.ts'

/** A request that has been responded to. */
interface Responded {
  /** The pattern of its path, such as `/api/v1/jobs/:id`. */
  route: string
  status: number
  /** The time until the response began. */
  seconds: number
}

/** Counts what this process does. There is none while metrics are off, so that nothing is counted then. */
export interface Meter {
  pool: PoolMeter
  responded: (request: Responded) => void
  /** @param hasCredentials the request had a key or a token */
  failed: (failure: Failure, hasCredentials: boolean) => void
  /** Counts an open stream, until the returned function is called. */
  openStream: () => () => void
  /** What was counted, in the text format of Prometheus. */
  text: () => Promise<string>
}
