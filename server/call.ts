import { hostname } from 'node:os'
import type * as z from 'zod'
import type { Right } from '../shared/access/rights.ts'
import type { Progress } from '../shared/changes/bulk-change.ts'
import type { Limited } from '../shared/queues/throttle.ts'
import type { AcquireRequest, Attempt } from '../shared/work/acquire.ts'
import type { NewJob } from '../shared/work/enqueue.ts'
import type { Finished, FinishItem } from '../shared/work/finish.ts'
import type { Job, LeasedJob } from '../shared/work/job.ts'
import type { Caller } from './auth/authenticate.ts'
import type { DatabaseAddress } from './database/installation/installation.ts'
import type { Redactor } from './database/redact.ts'
import type { ReadReplica } from './database/replica/read-replica.ts'
import type { Standby } from './database/replica/standby.ts'
import type { Pool, Sql } from './database/sql.ts'
import type { Abilities } from './engines/abilities.ts'
import type { Place } from './engines/served.ts'
import type { Env } from './env/env.ts'
import type { Log } from './log/log.ts'
import type { Meter } from './meter.ts'
import type { CancelWatch } from './waiting/cancel-watch.ts'
import type { EventWatermark } from './waiting/event-watermark.ts'
import type { FleetCounts } from './waiting/fleet-counts.ts'
import type { KnownEmpty } from './waiting/known-empty.ts'
import type { LongPolls } from './waiting/long-poll.ts'
import type { SingleFlight } from './waiting/single-flight.ts'
import type { SlowReads } from './waiting/slow-reads.ts'
import type { WorkerSightings } from './waiting/worker-sightings.ts'

/** What a change may cost others before it waits; undefined means that nobody looks. */
export interface PressureLimits {
  /** By how many seconds a replica may lag. */
  lagSeconds: number | undefined
  /** How many bytes of the log a replication slot may keep. */
  walBytes: number | undefined
  /** How large the archive may be, in bytes. */
  archiveBytes: number | undefined
}

/** A completion of a job, with the key by which its repetition is known. */
type Completion = Extract<FinishItem, { action: 'complete' }> & { finish: string | undefined }

/** Completes a job together with others (`waiting/shared-statement.ts`); undefined where it is to be completed alone. */
export type SharedComplete = (
  call: Pick<Call, 'requestId' | 'within'>,
  item: Completion,
) => Promise<Finished | undefined>

/** Enqueues a job together with others (`waiting/shared-statement.ts`); undefined where it is to be enqueued alone. */
export type SharedInsert<Row> = (
  call: Pick<Call, 'requestId' | 'traceId' | 'traceparent' | 'caller'>,
  job: NewJob,
) => Promise<Row | undefined>

/** What a call got. `limited` is set where a throttled queue gave fewer jobs than were asked for. */
export interface Leased<Row> {
  jobs: Row[]
  limited?: Limited | undefined
}

/** Leases a job together with others (`waiting/shared-statement.ts`); undefined where the call is to lease alone. */
export type SharedLease<Row> = (
  call: Pick<Call, 'requestId' | 'leaseOwner' | 'leaseMaxSeconds'>,
  request: AcquireRequest,
) => Promise<Leased<Row> | undefined>

/** The parts of a server for the jobs of one place of another engine. */
export type OverPlace = Pick<ServerContext, 'sql' | 'workerSql' | 'operatorSql' | 'abilities'>

/** What every part of a server has: its connections to the database, its log, and its end. */
interface Serving {
  /** What differs for the jobs of one place of another engine; a client is about no other jobs. */
  over: (place: Place) => OverPlace
  /** The connections for this call: those of workers, or those of operators. */
  sql: Pool
  /** The connections of workers, which no long statement of an operator keeps busy. */
  workerSql: Pool
  operatorSql: Pool
  log: Log
  /** Aborted when the server stops. */
  stopping: AbortSignal
}

/** What a server gives to the changes of many jobs that it makes. */
export interface ChangeServer extends Serving {
  quarantineThreshold: number
  /** The engine whose jobs the server serves, and what it can now. */
  abilities: () => Abilities
  /** Keep deleted jobs in the archive, so that a prune can be undone. */
  archiveBeforeDelete: boolean
  archiveDays: number
  /** What a change of many jobs may cost replicas, slots and the archive before it waits. */
  pressureLimits: PressureLimits
  /** How long a statement waits for a row that another transaction has locked, in milliseconds. */
  lockTimeoutMs: number
  /** Changes of more jobs need an approval, where the setting in the database does not say less (`JOBS_APPROVAL_ABOVE`). */
  approvalAbove: number | undefined
  /** The ids of the operations that run in this process: maintenance never takes them for orphaned. */
  localOperations: Set<number>
  /** The largest payload or result in bytes of UTF-8. */
  maxJsonBytes: number
  /** The paths that an edit may set, each as a list of names (`JOBS_EDIT_PATHS`); none means any. */
  editPaths: readonly (readonly string[])[]
  /** Masks secrets by `JOBS_REDACT_KEYS`. */
  redactor: Redactor
  /** The changes that this process runs without their callers. Each resolves when it has ended or is left to another server. */
  detachedRuns: Set<Promise<void>>
}

/** What a server gives to the calls of workers and of programs that enqueue jobs. */
interface WorkServer extends Serving {
  quarantineThreshold: number
  leaseMaxSeconds: number
  /** The largest payload or result in bytes of UTF-8. */
  maxJsonBytes: number
  requireCompletionToken: boolean
  /** Where calls of workers wait until there is work. */
  longPolls: LongPolls
  /** Where calls of workers wait until a running job is asked to end. */
  cancelWatch: CancelWatch
  /** The sightings of workers, which ask for jobs. */
  workerSightings: WorkerSightings
  sharedComplete: SharedComplete
  sharedLease: { whole: SharedLease<LeasedJob>; attempt: SharedLease<z.output<typeof Attempt>> }
  sharedInsert: { whole: SharedInsert<Job>; named: SharedInsert<Pick<Job, 'id' | 'uuid' | 'status'>> }
}

/** What a server masks in payloads and errors, and for whom. */
interface ContentServer {
  /** The parts of payloads that viewers may see, each as a list of names (`JOBS_VIEWER_FIELDS`). */
  viewerFields: readonly (readonly string[])[]
  /** The fields that agents get in full beside those of the table (`JOBS_AGENT_FIELDS`). */
  agentFields: ReadonlySet<string>
}

/** An answer that several callers get: its JSON, and the headers that came with it. */
interface SharedAnswer {
  text: string
  headers: Readonly<Record<string, string>>
}

/** The settings of the server and its shared parts, as every endpoint gets them. */
export interface ServerContext extends ChangeServer, WorkServer, ContentServer {
  /** Where slow reads, and the pieces of walks of the event log, wait for their turn. */
  slowReads: SlowReads
  /** The largest request body in bytes, without the payloads and results in it. */
  maxBodyBytes: number
  eventWatermark: EventWatermark
  /** Where the event log has no event of a filter. */
  knownEmpty: KnownEmpty
  singleFlight: SingleFlight<SharedAnswer>
  /** Whether the only database is a replica. */
  standby: Standby
  /** The replica at which reads may be made, with its own turns of slow reads (`JOBS_DB_READ_URL`). */
  replica: (ReadReplica & Pick<ServerContext, 'slowReads'>) | undefined
  /** The other servers of `JOBS_FLEET_FILE`. */
  fleet: Pick<FleetCounts, 'read'> | undefined
  /** How long a plan waits, in hours. */
  planHours: number
  /** The longest time without progress of a call, in milliseconds: a bound for a database that ignores its own timeouts. */
  callTimeoutMs: number
  /** Whether callers have tokens, or all of them one key. */
  authMode: Env['AUTH_MODE']
  /** Whether this server does what is done now and then (`JOBS_BACKGROUND`). */
  background: boolean
  /** What this server knows of its database, for the comparison with what the database remembers. */
  databaseAddress: DatabaseAddress
  /** Undefined while metrics are off. */
  meter: Meter | undefined
  /**
   * Asked before a call changes anything.
   * @throws Failure `conflict` in a run without a server (`server/once/`), where servers work on the database
   */
  admitChange: () => Promise<void>
}

/** Who calls, and what the caller may do. */
export interface Acting {
  /** The caller in records, keys and events: the id of its token, or `single-user`. */
  caller: string
  /** The names of the caller for people. */
  identity: Pick<Caller, 'name' | 'role' | 'principal' | 'agent'>
  /** What the caller may do. An endpoint whose answer has less for some callers asks it. */
  may: ReadonlySet<Right>
  /** What the caller is limited to, for the condition `isWithin` of statements; undefined for a caller that is not limited. */
  within: Caller['within']
}

/** What a read needs: a connection, and what its caller may see. */
export type Reading = Pick<Serving, 'sql'> & Pick<Acting, 'within'>

/** What decides how the words of others are told, and whether their names are. */
export type Telling = Pick<ChangeServer, 'redactor'> & Pick<Acting, 'may'>

/** What a list needs: a read, and headers beside its answer. */
export type Listing = Reading & Pick<Reporting, 'addHeader'>

/** What a request says of itself in its headers. */
export interface Requested {
  requestId: string
  /** 32 hexadecimal digits: the trace that the request is part of, which its new jobs carry on. */
  traceId: string | undefined
  /** The span of the request, or of its caller: `00-<trace>-<span>-<flags>`. Its new jobs keep it for their workers. */
  traceparent: string | undefined
  /** The address of the client, for the record of an act. */
  address: string | undefined
  /** Why the caller makes the change, from `X-Reason`. */
  reason: string | undefined
  /** The caller's `Idempotency-Key`: a repeated request with the same key gets the first response again. */
  idempotencyKey: string | undefined
  /** The caller goes past the approval that its change needs (`X-Emergency`). */
  emergency: boolean
  /**
   * The request as it was sent, where the caller does not wait for the change (`Prefer: respond-async`): the change then goes on
   * without its caller.
   */
  detach: { path: string; input: unknown } | undefined
}

/** The way back to a caller that waits for its response. */
export interface Reporting {
  /** Aborted when the caller disconnects before it has the response. Created on the first call, since few endpoints need it. */
  disconnected: () => AbortSignal
  /** Reports the progress of a change to the caller: when it begins, and after each batch. */
  reportProgress: (progress: Progress) => void
  /** Adds a header to the response. */
  addHeader: (name: string, value: string) => void
  /** Reports the number of changed rows to the log. */
  reportChangedRows: (rows: number) => void
}

/** The call of a worker, or of a program that enqueues jobs. */
export interface WorkCall extends WorkServer, Acting, Requested, Reporting {
  /** The token to which leases of this call belong; undefined where every worker may finish them that knows them. */
  leaseOwner: string | undefined
  /**
   * For a call that waits: throws Failure `unauthenticated` when the caller's token has expired or was revoked meanwhile, and
   * `forbidden` when it has lost the right that the call needs.
   */
  recheckCredentials: () => Promise<void>
}

/** One request as an endpoint sees it. A function takes the parts that it uses. */
export interface Call extends ServerContext, WorkCall {
  /** The session by which the caller calls; undefined for a caller with a key or a token. */
  session: Caller['session']
  /** The name of the token, under which servers before this version kept its keys and previews. */
  formerCaller: string | undefined
}

/** An SQL expression of type timestamptz: the reference time of a call, which is the time of its preview, or now. */
export const referenceTime = (sql: Sql, { asOf }: { asOf?: string | undefined }) =>
  sql`coalesce(${asOf ?? null}::text::timestamptz, now())`

/** The name of this server for people and other servers: host name and process id. */
export const serverName = `${hostname()}:${process.pid}`
