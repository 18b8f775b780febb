import type { OverPlace, ServerContext } from './call.ts'
import type { OpenedReplica } from './database/connection/opened-database.ts'
import type { DatabaseAddress } from './database/installation/installation.ts'
import { createRedactor } from './database/redact.ts'
import { createReadReplica } from './database/replica/read-replica.ts'
import { createStandby } from './database/replica/standby.ts'
import type { Pool } from './database/sql.ts'
import { abilitiesOf } from './engines/abilities.ts'
import { narrowedTo, type Place, servedBy } from './engines/served.ts'
import { agentFieldsOf } from './env/agent-fields.ts'
import { type Env, viewerPathsOf } from './env/env.ts'
import { createSharedInsert } from './lifecycle/insert/shared-insert.ts'
import { createSharedLease } from './lifecycle/lease/shared-lease.ts'
import { createSharedComplete } from './lifecycle/settle/shared-complete.ts'
import type { Log } from './log/log.ts'
import type { Meter } from './meter.ts'
import { createCancelWatch } from './waiting/cancel-watch.ts'
import { createEventWatermark } from './waiting/event-watermark.ts'
import { createKnownEmpty } from './waiting/known-empty.ts'
import { createLongPolls } from './waiting/long-poll.ts'
import { createSingleFlight } from './waiting/single-flight.ts'
import { createSlowReads } from './waiting/slow-reads.ts'
import { createWorkerSightings } from './waiting/worker-sightings.ts'

/** What a context is made of. */
export interface ContextOptions {
  sql: Pool
  operatorSql: Pool
  env: Env
  log: Log
  meter: Meter | undefined
  databaseAddress: DatabaseAddress
  stopping: AbortSignal
  admitChange: ServerContext['admitChange']
  /** True while the only database is a replica; by default it never is. */
  isStandby?: () => boolean
  /** A streaming replica. */
  replica?: OpenedReplica | undefined
  /** The other servers of `JOBS_FLEET_FILE`. */
  fleet?: ServerContext['fleet']
  /** Connections for the jobs of other engines that are served beside our own; by default those of operators. */
  engineSql?: (() => Pool) | undefined
}

/** The parts of a server by place. No call about another engine is one of workers, so that all use the connections of operators. */
function overPlaces(operatorSql: Pool, engineSql: () => Pool = () => operatorSql): ServerContext['over'] {
  const known = new WeakMap<Place, OverPlace>()
  return (place) => {
    const made =
      known.get(place) ?? partsFor(narrowedTo(servedBy(operatorSql).mode === 'own' ? engineSql() : operatorSql, place))
    known.set(place, made)
    return made
  }
}

const partsFor = (sql: Pool): OverPlace => ({
  sql,
  workerSql: sql,
  operatorSql: sql,
  abilities: () => abilitiesOf(servedBy(sql)),
})

/** Slow reads leave one connection to short ones. */
const slowReadsOn = (sql: Pool) => createSlowReads({ most: Math.max(1, (sql.options.max ?? 1) - 1) })

/** What every part of this server has, with the settings of its environment. */
export const createContext = ({
  sql,
  operatorSql,
  env,
  log,
  meter,
  databaseAddress,
  stopping,
  admitChange,
  isStandby = () => false,
  replica,
  fleet,
  engineSql,
}: ContextOptions): ServerContext => ({
  sql,
  workerSql: sql,
  operatorSql,
  log,
  meter,
  stopping,
  admitChange,
  abilities: () => abilitiesOf(servedBy(sql)),
  over: overPlaces(operatorSql, engineSql),
  longPolls: createLongPolls(),
  cancelWatch: createCancelWatch(operatorSql),
  localOperations: new Set<number>(),
  detachedRuns: new Set<Promise<void>>(),
  slowReads: slowReadsOn(operatorSql),
  eventWatermark: createEventWatermark(operatorSql, log),
  knownEmpty: createKnownEmpty(),
  workerSightings: createWorkerSightings({ sql, log, stopping }),
  singleFlight: createSingleFlight(),
  standby: createStandby(operatorSql, isStandby),
  replica: replica && {
    ...createReadReplica(replica, env.JOBS_READ_LAG),
    slowReads: slowReadsOn(replica.sql),
  },
  fleet,
  sharedComplete: createSharedComplete(sql),
  sharedLease: createSharedLease(sql),
  sharedInsert: createSharedInsert(sql),
  quarantineThreshold: env.JOBS_QUARANTINE_THRESHOLD,
  leaseMaxSeconds: env.JOBS_LEASE_MAX_SECONDS,
  maxJsonBytes: env.JOBS_MAX_JSON_BYTES,
  requireCompletionToken: env.JOBS_REQUIRE_COMPLETION_TOKEN,
  maxBodyBytes: env.JOBS_MAX_BODY_BYTES,
  archiveBeforeDelete: env.JOBS_ARCHIVE_BEFORE_DELETE,
  archiveDays: env.JOBS_ARCHIVE_DAYS,
  approvalAbove: env.JOBS_APPROVAL_ABOVE,
  planHours: env.JOBS_PLAN_HOURS,
  pressureLimits: {
    lagSeconds: env.JOBS_CHANGE_MAX_LAG || undefined,
    walBytes: env.JOBS_CHANGE_MAX_WAL || undefined,
    archiveBytes: env.JOBS_ARCHIVE_MAX_BYTES,
  },
  authMode: env.AUTH_MODE,
  background: env.JOBS_BACKGROUND,
  databaseAddress,
  redactor: createRedactor(env.JOBS_REDACT_KEYS),
  editPaths: viewerPathsOf(env.JOBS_EDIT_PATHS),
  viewerFields: viewerPathsOf(env.JOBS_VIEWER_FIELDS),
  agentFields: agentFieldsOf(env.JOBS_AGENT_FIELDS),
  lockTimeoutMs: env.JOBS_LOCK_TIMEOUT_SECONDS * 1000,
  callTimeoutMs: 1000 * (2 * env.JOBS_STATEMENT_TIMEOUT_SECONDS + env.JOBS_LOCK_TIMEOUT_SECONDS),
})
