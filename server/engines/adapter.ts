import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { Finding } from '../../shared/explain/reason.ts'
import type { RelatedJob } from '../../shared/jobs/show.ts'
import type { GroupStats } from '../../shared/queues/stats.ts'
import type { Throttle } from '../../shared/queues/throttle.ts'
import type { VanishingQueue } from '../../shared/queues/vanishing.ts'
import type { WorkerRow } from '../../shared/queues/workers.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { ForeignJobs, Source } from '../database/connection/qualify.ts'
import type { Narrowed, Within } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { Can, Cannot } from './can.ts'
import type { Found } from './found.ts'
import type { EngineWrites } from './writes.ts'

/** The first and the last version, as the engine counts them. */
type Versions = readonly [first: number, last: number]

/** What a list reads of the jobs at a time. */
export interface OrderedSlice {
  time: 'created' | 'ended'
  direction: 'asc' | 'desc'
  /** A condition on `jobs`. */
  where: Fragment
  /** The only states that are asked for; empty for any. */
  states: readonly string[]
  scope: Narrowed
  most: number
  /** About how many jobs from all over the table stand for all of them; undefined where all are read. */
  sample: number | undefined
}

/** What is read of the failures of one state. */
export interface FailureSlice {
  /** A `retrying` job waits for another attempt. */
  state: 'failed' | 'quarantined' | 'retrying'
  /** Only failures from this time on, and before that one. */
  since: string | undefined
  until: string | undefined
  scope: Narrowed
  most: number
}

/** A group with jobs that could run; without a job type, the jobs of all types of a queue. */
export interface WaitingGroup {
  domain: string
  queue: string
  job_type?: string | null
}

/** Since when the job of a group that has waited longest could run. */
export interface OldestDue extends WaitingGroup {
  since: string
}

export interface EngineQueue {
  domain: string
  queue: string
}

/** A job by its key. */
export interface EngineJob {
  id: JobId
  domain: string
}

/** What stands around a job beside its row. */
export interface JobSurroundings {
  /** The jobs that it waits for, and those that wait for it; more than `mostRelated` where there are more. */
  depends_on: RelatedJob[]
  dependents: RelatedJob[]
  /** The newest lines of its log, the oldest first. */
  log: string[]
}

/** The line of the jobs of a queue. */
export interface QueueLine {
  now: string
  /** The key of the job that could run for the longest time, since when, and for how many seconds; null without one. */
  id: string | null
  due_since: string | null
  seconds: number | null
  /** When the next job falls due; null without one. */
  next_due_at: string | null
  next_due_in: number | null
  /** Running jobs, and jobs that wait for others, at most 10,000 each. */
  running: number
  blocked: number
}

/** A worker as a query has it. */
export interface SeenWorker extends Omit<WorkerRow, 'queues'> {
  /** The names of its queues as pairs of domain and queue. */
  queues: [string, string][]
  /** False in every row where more jobs were found than are read. */
  is_complete: boolean
}

/** The last signs of workers that take the jobs of a queue. */
export interface WorkerSigns {
  last_asked_at: string | null
  last_picked_up_at: string | null
  /** Seconds since the later of the two; null where neither is known. */
  silence: number | null
  /** Running jobs, at most 1,000. */
  running: number
}

/** One way in which jobs cannot go on, or have lost what works on them. */
export interface EngineCheck {
  /** Its name on the wire. */
  check: string
  /** What is wrong with a job, as a part of a sentence about it. */
  title: string
  /** What to do about it. */
  instead: string
  /**
   * A query of `(queue, native_id, is_broken, is_cut)`: jobs that may be so, with a bound of its own. `is_cut` is true in some row where there are
   * more jobs that it did not read.
   */
  candidates: Fragment
  /** True where the rows are not jobs but keys without one, which `native_id` names: a filter of jobs meets none of them. */
  isOfKeys?: true
}

/** A time of which a history is read, in seconds since 1970. */
export interface HistorySlice {
  scope: Narrowed
  from: number
  to: number
  /** One job more than this is read at most. */
  most: number
}

/** Up to when the jobs of a scope are still there. */
export interface KeptJobs {
  /** Jobs that ended earlier may be deleted, in seconds since 1970; null without a queue. */
  since: number | null
  /** How long a job of these queues may run, in seconds. */
  longest_run: number
}

/** A number of a point of a history. */
export type HistoryNumber = 'created' | 'acquired' | 'completed' | 'wait' | 'run'

/**
 * How the jobs that are still there are found by their times. Each query is in parentheses and has the columns `domain`, `queue`, `status`,
 * `created_at`, `available_at`, `started_at`, `ended_at` and `kept_seconds`: how long the engine keeps the ended job, or null.
 */
export interface EngineHistory {
  /** Numbers that the jobs do not tell. */
  notTold: readonly HistoryNumber[]
  /** Whether an index finds the jobs of a slice. Without one, each query reads every job. */
  isIndexed: (found: Found) => boolean
  /** What gives a large table an index of the times when jobs ended, as a sentence. */
  howToIndex: (found: Found) => string
  /** Jobs that ended within the slice. */
  ended: (sql: Sql, found: Found, slice: HistorySlice) => Fragment
  /** Jobs that were made within the slice; absent where `created` is not told. */
  created?: (sql: Sql, found: Found, slice: HistorySlice) => Fragment
  /** Jobs that have begun and have not ended; absent where `acquired` is not told. */
  begun?: (sql: Sql, found: Found, slice: Pick<HistorySlice, 'scope' | 'most'>) => Fragment
  /** Absent where nobody knows when jobs are deleted. */
  kept?: (sql: Sql, found: Found, scope: Narrowed) => Promise<KeptJobs>
}

/** What jobs-server knows of an engine that runs the jobs of others. It is SQL alone: no HTTP, and no table of ours. */
export interface QueueAdapter extends ForeignJobs {
  /** The name of the engine in JOBS_ENGINE and in answers. */
  engine: string
  /** The versions on which reads and changes were tried. Outside of `writes` every change is refused. */
  tested: { reads: Versions; writes: Versions }
  /** What can be done with its jobs. */
  can: Can
  /** Why no job can be changed, whatever its version; absent where jobs can be changed. */
  lookOnly?: Cannot | undefined
  /**
   * Reads what a schema has of the engine. Only reads.
   * @param schema as a quoted name, in which `findEngines` has seen the tables
   */
  look: (sql: Sql, schema: string) => Promise<Found>
  /** The jobs of one place, with the columns of our `jobs`. Its rows can be locked: it joins by scalar subselects alone. */
  projection: (found: Found) => Source
  /** What reads take for tables of ours that say more of the jobs, as queries in parentheses by the names of the tables. */
  sources?: (found: Found) => ReadonlyMap<string, string>
  /** The keys of jobs by what somebody names them with, such as a bare uuid; a text that names no job is left out. */
  keys: (
    sql: Sql,
    found: readonly Found[],
    texts: readonly string[],
    within: TokenScope | undefined,
  ) => Promise<ReadonlyMap<string, string>>
  /** The same for deleted jobs in the archive; absent where a key always names the queue. */
  archivedKeys?: (
    sql: Sql,
    texts: readonly string[],
    within: TokenScope | undefined,
  ) => Promise<ReadonlyMap<string, string>>
  /**
   * The jobs of all places of which a slice of a list is made.
   * @returns a query in parentheses: among its rows are the first `most + 1` of those for which `where` is true, in the order of the time
   */
  ordered: (sql: Sql, found: readonly Found[], slice: OrderedSlice) => Fragment
  /**
   * Failures of one place with what clusters are made of. Without it they are read as jobs.
   * @returns a query in parentheses, at most `most + 1` rows with the columns `id`, `domain`, `queue`, `job_type`, `owner_user_id`, `status`,
   * `code` (empty without one), `message` (cut, empty without one) and `seen`, the time of the failure
   */
  failures?: (sql: Sql, found: Found, slice: FailureSlice) => Fragment
  /** The counts of all groups that have jobs, failed ones among them, in the order of the bytes of their names. */
  groups: (sql: Sql, found: readonly Found[], scope: Narrowed) => Promise<GroupStats[]>
  /** True where `groups` reads the whole table, since no index has all of its jobs. */
  countsByPass?: boolean
  /** Since when the oldest job of each group could run; no row for a group without such a job. */
  oldestDue: (sql: Sql, found: readonly Found[], groups: readonly WaitingGroup[]) => Promise<OldestDue[]>
  /** The workers that the engine knows, those with the most running jobs first, and one more than an answer has where there are more. */
  workers: (sql: Sql, found: Found, scope: Narrowed) => Promise<SeenWorker[]>
  /** The line of a queue; undefined for a domain that is not served. */
  line: (sql: Sql, found: readonly Found[], queue: EngineQueue) => Promise<QueueLine | undefined>
  /** What keeps a waiting job from running, beside its own time and its queue. Jobs outside of the scope of the caller are not named. */
  reasons: (sql: Sql, found: readonly Found[], job: Within<EngineJob>) => Promise<Finding[]>
  /** Absent for an engine that keeps neither the one nor the other. */
  surroundings?: (sql: Sql, found: readonly Found[], job: Within<EngineJob>) => Promise<JobSurroundings>
  /**
   * Pauses a queue or resumes it; absent for an engine that cannot.
   * @returns false where the queue was so already
   */
  control?: (sql: Sql, found: Found, queue: EngineQueue & { paused: boolean }) => Promise<boolean>
  /**
   * What keeps the jobs of a queue from running. Absent where nothing but their workers does. No job and no worker outside of the scope of the caller
   * is named.
   */
  queueReasons?: (sql: Sql, found: readonly Found[], queue: Within<EngineQueue>) => Promise<Finding[]>
  /** What the engine itself limits a queue to; absent for an engine that keeps no such limit in its tables. */
  limits?: (sql: Sql, found: readonly Found[], queue: EngineQueue) => Promise<Throttle>
  /** How many due jobs of its queue are taken before a job: at most one more than `most`. */
  ahead: (sql: Sql, found: readonly Found[], job: EngineJob, most: number) => Promise<number>
  /** Undefined where it cannot be read fast. */
  signs: (sql: Sql, found: readonly Found[], queue: EngineQueue) => Promise<WorkerSigns | undefined>
  /** What is wrong with jobs of one place; absent where the engine has no checks. */
  checks?: (sql: Sql, found: Found, scope: Narrowed) => Promise<EngineCheck[]>
  /** The queues of one place whose ended jobs the engine deletes by itself, as far as some jobs of each tell. Absent where none says so. */
  vanishing?: (sql: Sql, found: Found, scope: Narrowed) => Promise<VanishingQueue[]>
  /** The times of jobs, for a history of those that are still there. Undefined where an engine has no such times. */
  history?: EngineHistory | undefined
  /** What a server needs of the tables of the engine, each with its schema. `looks` is true for one that changes nothing. */
  rights: (found: Found, looks: boolean) => { table: string; rights: string }[]
  /** Tables with payloads beside those of jobs, with their schema, which nothing here changes. */
  elsewhere?: (found: Found) => string[]
  /**
   * True for rows of the archive, with the alias `copy`, of this place that lack the column of one of the fields, since it had another name then: no
   * filter by the field finds them. Undefined where there is none of these columns.
   */
  unreadCopies?: (fields: readonly ('owner' | 'payload')[]) => string | undefined
  /** Statements of a grant beside those of tables, for a role as a quoted name, with what they are for. */
  furtherGrants?: (role: string) => string[]
  /**
   * The keys of jobs at one place that are copies of jobs of an owner and do not have the owner themselves, live and archived, one more than `most` at
   * most. Absent where copies have the owner.
   */
  copiesOfOwner?: (sql: Sql, found: Found, owner: string, most: number) => Promise<string[]>
  writes: EngineWrites
  /** The name of the table in which deleted jobs are kept, in the schema of our tables. */
  archive: string
  /**
   * The statements that make the table in which deleted jobs are kept, with every column of the engine's table as it is now.
   * @param schema of our tables, as a quoted name
   */
  archiveStatements: (sql: Sql, found: Found, schema: string) => Promise<string[]>
  /** The names of the columns of the engine's table that the archive lacks, or all of them where there is no archive. */
  missingInArchive: (sql: Sql, found: Found) => Promise<string[]>
}
