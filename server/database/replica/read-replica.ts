import { setTimeout as wait } from 'node:timers/promises'
import type { OpenedReplica } from '../connection/opened-database.ts'
import { hasCode } from '../errors/error-meanings.ts'
import { databaseFailure, isConnectionLost } from '../errors/failure.ts'
import type { Pool } from '../sql.ts'

/** A streaming replica of the database, as reads use it. */
export interface ReadReplica {
  sql: Pool
  /** What was seen last, which is at most a second old; looks where nobody has looked for longer. It throws no error. */
  look: () => Promise<Seen>
}

/** What a look at primary and replica has found. */
interface Seen {
  /**
   * Everything that was committed at the primary before this time is in what the replica answers. Undefined where the replica may not answer:
   * `why` says so.
   */
  asOf: string | undefined
  /** Why the replica answers no reads, as a clause about it; null where it does. */
  why: string | null
  /** True where the look had no answer in time. */
  isLate?: boolean
  /** True where the primary answered, and the replica did not, or is gone: a read that waits there may never end. */
  hangs?: boolean
  /** By how many seconds the replica lags; null where that is not known. */
  lag: number | null
  /** The time at the primary, which goes on since the look; undefined where the primary did not answer. */
  primaryNow: () => string | undefined
}

/** How often it is looked whether a replica answers that has not ended a read yet. */
const lookWhileReadingMs = 1000

/**
 * Waits for a read at the replica for as long as the replica answers others: a machine that hangs breaks no connection.
 * @throws Error where it does not, and whatever the read throws
 */
export async function whileAnswering<Out>(made: Promise<Out>, { look }: Pick<ReadReplica, 'look'>): Promise<Out> {
  const hangs = Symbol()
  const over = new AbortController()
  const watch = async (): Promise<typeof hangs | undefined> => {
    while (!over.signal.aborted) {
      await wait(lookWhileReadingMs, undefined, { ref: false, signal: over.signal }).catch(() => {})
      if (!over.signal.aborted && (await look()).hangs) return hangs
    }
    return undefined
  }
  try {
    const first = await Promise.race([made, watch()])
    if (first !== hangs) return await made
  } finally {
    over.abort()
  }
  throw new Error('the replica does not answer any more')
}

const lookEveryMs = 1000
/** A look that takes longer has failed: reads wait for it. */
const longestLookMs = 1000
/** Nobody waits again so soon for one that does not answer. */
const restAfterLateMs = 10_000

/**
 * A replica whose lag is looked at once a second at most, and only while somebody reads. The primary is asked for its clock and its place in
 * the log, so that neither clock of the two machines needs to be right.
 */
export function createReadReplica(
  { sql, look: { primary, replica } }: Pick<OpenedReplica, 'sql' | 'look'>,
  limitSeconds: number,
): ReadReplica {
  let at = Number.NEGATIVE_INFINITY
  let seen: Promise<Seen> | undefined
  let running: Promise<Seen> | undefined
  let hasPrimaryAnswered = false
  const begin = () => {
    hasPrimaryAnswered = false
    const noted = () => {
      hasPrimaryAnswered = true
    }
    return lookAtBoth(primary, replica, noted).finally(() => {
      running = undefined
    })
  }
  const look = async () => {
    if (!seen || performance.now() - at >= lookEveryMs) {
      at = performance.now()
      // A look that does not end is not repeated: each would keep a connection.
      running ??= begin()
      const inTime = wait(longestLookMs, undefined, { ref: false }).then(() => (hasPrimaryAnswered ? hanging : late))
      seen = Promise.race([running, inTime])
      if ((await seen).isLate) at = performance.now() + restAfterLateMs
    }
    return within(await seen, limitSeconds)
  }
  return { sql, look }
}

/** What was seen, as it is now: the replica may have fallen behind since. */
function within(seen: Seen, limitSeconds: number): Seen {
  const now = seen.primaryNow()
  if (seen.asOf === undefined || now === undefined) return seen
  const lag = Math.max(0, Date.parse(now) - Date.parse(seen.asOf)) / 1000
  if (lag <= limitSeconds) return { ...seen, lag }
  return { ...seen, lag, asOf: undefined, why: `it lags by ${Math.floor(lag)} s (JOBS_READ_LAG is ${limitSeconds} s)` }
}

const unusable = (why: string, more: Partial<Seen> = {}): Seen => ({
  ...{ asOf: undefined, why, lag: null, primaryNow: () => undefined },
  ...more,
})

const late = unusable(`it, or the primary, does not answer within ${longestLookMs / 1000} s`, { isLate: true })
const hanging = { ...late, hangs: true }

interface Place {
  /** Of the primary: read before its place in the log, so that all that was visible then lies before that place. */
  now: string
  /** The end of the log. */
  lsn: string
  /** A part of the log is in memory alone, from where no replica gets it. */
  unflushed: boolean
  installation: string | null
}

interface Replayed {
  in_recovery: boolean
  installation: string | null
  as_of: string | null
}

async function lookAtBoth(primary: Pool, replica: Pool, primaryAnswered: () => void): Promise<Seen> {
  let primaryNow: Seen['primaryNow'] = () => undefined
  try {
    const [place] = await primary<[Place]>`
      select
        clock_timestamp() as now,
        pg_current_wal_insert_lsn()::text as lsn,
        pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn() as unflushed,
        ${installation(primary)} as installation`
    primaryNow = clockFrom(place.now)
    primaryAnswered()
    const [found] = await replica<[Replayed]>`
      select
        pg_is_in_recovery() as in_recovery,
        ${installation(replica)} as installation,
        case
          when pg_last_wal_replay_lsn() >= ${place.lsn}::text::pg_lsn then ${place.now}::text::timestamptz
          else pg_last_xact_replay_timestamp()
        end as as_of`
    const isOld = found.as_of === null || Date.parse(place.now) - Date.parse(found.as_of) > lookEveryMs
    if (isOld && place.unflushed) await flush(primary)
    const why = whyNot(found, place)
    return { asOf: why === null ? (found.as_of ?? undefined) : undefined, why, lag: null, primaryNow }
  } catch (error) {
    // The text of PostgreSQL or of the driver may have a part of a URL.
    const failure = databaseFailure(error, 'nothing was read')
    return unusable(failure ? `it, or the primary, gave an error: ${failure.message}` : 'it cannot be read', {
      primaryNow,
      // A pooler may keep reads for a replica that is gone, although it refuses new ones. One that has no connection left answers those that have one.
      hangs: primaryNow() !== undefined && isConnectionLost(error) && !hasCode(error, ['53300']),
    })
  }
}

/**
 * Has the primary write its log to the disk, by a commit that changes nothing. Reads leave parts of the log in memory until the next commit, and
 * in a database without commits the replica would seem to lag.
 */
const flush = (primary: Pool) =>
  primary.begin((tx) => tx`select set_config('synchronous_commit', 'local', true), pg_current_xact_id()`)

function whyNot({ in_recovery, installation, as_of }: Replayed, place: Place): string | null {
  if (!in_recovery) return 'it is no replica: it takes writes, as after a promotion'
  if (installation !== place.installation) return 'it replays another database than the one of JOBS_DB_URL'
  return as_of === null ? 'it has replayed no transaction since its start' : null
}

/** An SQL expression: the name of the database, and what it remembers of itself, which a dump of it remembers, too. */
const installation = (sql: Pool) => sql`
  concat(current_database(), (select value from jobsctl_settings where name = 'installation'))`

/** A clock that goes on from a time that was read just now. It is late by the way of the answer, and so never ahead of the database. */
function clockFrom(text: string): () => string {
  const [read, at] = [Date.parse(text), performance.now()]
  return () => new Date(Math.floor(read + performance.now() - at)).toISOString()
}
