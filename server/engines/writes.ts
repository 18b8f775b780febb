import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { EditableField } from '../../shared/changes/edit.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { Cannot } from './can.ts'
import type { Found } from './found.ts'

/** What a change does to jobs, in the words of its endpoint. */
export type EngineAct =
  | { act: 'retry'; spread_seconds?: number | undefined }
  /** `by` is the caller. */
  | { act: 'cancel'; by: string }
  /** `due`, a column of `picked`, is the time from which a job can run. */
  | { act: 'reschedule' }
  | { act: 'priority'; priority: number }

/** The same for an engine whose jobs can be edited. */
export type EngineActOrEdit = EngineAct | ({ act: 'edit' } & EngineEdit)

/** What an edit does to each job. */
export interface EngineEdit {
  /** Fields of the job, each with its value as a text; null empties it. `due`, a column of `picked`, is `available_at` as a time. */
  fields: readonly { field: EditableField; text: string | null }[]
  /** The payload after the edit, an expression over the payload before, in the form of `payloadText`; undefined where it stays. */
  payload: ((document: Fragment) => Fragment) | undefined
  /** The edit compares a part of the payload. */
  readsPayload: boolean
  /** The jobs run again, too. */
  retry: { spread_seconds: number | undefined } | undefined
}

/** A text of JSON: an SQL expression, and whether PostgreSQL has read it, as it reads the type json. */
export interface JsonText {
  text: string
  isJson: boolean
}

/** An index of the engine's table whose first column is the time at which a job ended. It has the jobs of all queues. */
export interface EndIndex {
  /** An SQL expression over `jobs`: the first column of the index. It is null for an ended job whose end the table does not have. */
  along: (sql: Sql) => Fragment
  /** The type of that column. */
  type: 'timestamptz' | 'timestamp'
  /**
   * An SQL condition over `jobs` for which PostgreSQL reads a range of the index. It is true for every job that ended before `time`, an SQL
   * expression, and for some jobs that ended later. It is not true for a job without an end.
   */
  before: (sql: Sql, time: Fragment) => Fragment
}

/** How an engine lets its jobs be edited. */
export interface EngineEdits {
  /** Why the engine cannot make this edit; undefined where it can. */
  whyNot: (edit: EngineEdit) => Cannot | undefined
  /** The payload over `jobs`, in a column that keeps JSON as a text; undefined for jsonb. */
  payloadText: JsonText | undefined
  /** The assignments of an update of the row `j`. */
  assignments: (sql: Sql, found: Found, edit: EngineEdit) => Fragment
  /** The names in `native_edited` of the values that this edit overwrites. */
  names: (edit: EngineEdit) => string[]
  /**
   * An SQL expression of type jsonb over a row `j`: the values that an edit may overwrite, beside those of every image, by their names. The
   * projection has it in `native_edited`.
   */
  values: (found: Found) => string
}

/** What has happened to jobs, an undo and a deletion included. */
export type ActWithUndo = EngineActOrEdit['act'] | 'undo' | 'delete'

/**
 * Changed jobs as the text of a JSON array: `queue`, `native_id`, and the images `before` and `after` of the change as `carried` leaves them. An
 * undo has the images of the change that it undoes. A deletion has one item for each queue: `queue`, and the number of its `jobs`.
 */
export type ChangedJobs = string

/** A place that one job has alone, such as that of a key in its queue: SQL expressions on `jobs`. */
export interface EnginePlace {
  /** The place that the job would take; null where it takes none. */
  wanted: Fragment
  /** The part of `wanted` that `had` has. */
  compared: Fragment
  /** What a job that was changed since may have had of such a place. */
  had: Fragment
}

/**
 * How jobs move out of dead letter queues, each as a new job of the queue that it came from. The statement has the CTE `picked`, a job a row,
 * with `queue`, `native_id`, `to_queue` and `moved_id`.
 */
export interface EngineMoves {
  /** Whether this version of the tables keeps where a dead letter came from. */
  isKept: (found: Found) => boolean
  /** An SQL condition on `jobs`: the job waits in a dead letter queue. */
  isDeadLetter: (sql: Sql, found: Found) => Fragment
  /**
   * An SQL expression on `jobs`: why such a job cannot move; null where it can.
   * @param within the scope of the caller, which the queue that the job came from may lie outside of
   */
  whyNot: (sql: Sql, found: Found, within: TokenScope | undefined) => Fragment
  /** The place in that queue. */
  place: (sql: Sql, found: Found) => EnginePlace
  /** SQL expressions on `jobs`: the queue that the job came from, and the native id of its original. */
  source: (sql: Sql) => { queue: Fragment; id: Fragment }
  /** A query of `queue` and `native_id`: it locks the originals of the CTE `chosen` that have failed, and passes over locked ones. */
  originals: (sql: Sql, found: Found) => Fragment
  /** An SQL condition on a row of `chosen`: its original is among the CTE `originals`, or was deleted. */
  originalStays: (sql: Sql, found: Found) => Fragment
  /** An SQL condition that joins `jobs` to a row `chosen` with `after`: the job is the new one of this image. */
  isMoved: string
  /** An INSERT of the new jobs with the ids `moved_id`, those with a place: it returns `moved_id`, the key `moved_to` and the image `after`. */
  insert: (sql: Sql, found: Found) => Fragment
}

/** How jobs are freed whose worker is gone, for an engine whose workers have several jobs at once. A worker is freed whole. */
export interface EngineRepair {
  /** An SQL condition on `jobs`: a worker has the job. */
  isHeld: string
  /** An SQL condition on such jobs: a worker has had the job for so long that something is wrong. */
  isLong: string
  /**
   * A query of `(worker, why)`: each worker that has jobs or queues, and why it may live; null for one that is surely gone.
   * @param named the worker of which the caller says that it is gone
   */
  workers: (sql: Sql, found: Found, named: string | undefined) => Fragment
  /** A query that frees all that the workers of a query of one column have, and has one row. */
  free: (sql: Sql, found: Found, workers: Fragment) => Fragment
}

/**
 * How the jobs of an engine are changed: pieces of SQL, for statements that are the same for all engines. They change the table itself, or call
 * the functions that the engine has for it.
 */
export type EngineWrites = EveryWrites & (TableWrites | CallWrites)

interface TableWrites {
  calls?: undefined
  /** The assignments of an update of the row `j`. */
  assignments: (sql: Sql, found: Found, act: EngineAct) => Fragment
  /**
   * The assignments of an update of the row `j` that give back the image `picked.before`.
   * @param until an expression: until when the job must still be there
   * @param edited the change was an edit
   */
  restored: (sql: Sql, found: Found, until: Fragment, edited: boolean) => Fragment
}

interface CallWrites {
  calls: EngineCalls
}

/** Queries over the locked rows `picked` that call functions of the engine. Each is true to `guard`: it calls none where that is false. */
interface EngineCalls {
  /** Changes the jobs; its rows are those of `picked`, with `after` (the image). `operation` is the number of the change on record. */
  change: (sql: Sql, found: Found, act: EngineAct, operation: number) => Fragment
  /** Deletes the jobs, of which it needs `native_id` alone; its rows are those of the engine's table, with what else the archive keeps. */
  remove: (sql: Sql, found: Found) => Fragment
  /** An SQL condition that joins a row `removed` of `remove` to its row `picked`. */
  isRemoved: string
  /** Gives back the images `picked.before`; its rows are those of `picked`. */
  restore: (sql: Sql, found: Found) => Fragment
}

interface EveryWrites {
  /** The status of jobs that a cancel ends, where it is not `cancelled`. */
  endedAs?: 'failed'
  /** An SQL condition on `jobs` beside that of each change: the engine lets its jobs be changed. */
  mayChange?: (sql: Sql) => Fragment
  /** The table of jobs, with its schema. */
  table: (found: Found) => string
  /** An SQL condition: the tables have the version that they had when the server looked. Part of every statement that writes. */
  guard: (found: Found) => string
  /** An SQL condition that joins a row `j` of the table to a row `picked` with `native_id`, `queue`, and with `hasTid` the `tid` of its row. */
  isPicked: string
  /** Set where `jobs` has the tid of each row as `native_tid`, by which the statement that has locked the row finds it again. */
  hasTid?: true
  /** The same as `isPicked`, without a join. Absent where a join is as fast. */
  isAmongPicked?: string
  /** An SQL condition on `jobs`: the job of an image, by what an index has. */
  isOfImage: (image: string) => string
  /** An SQL expression of type jsonb: the image of a row `j`, as the projection has it in `native_image`. */
  image: (found: Found) => string
  /** An SQL expression of type text: the state of the job in an image. */
  stateOf: (image: string) => string
  /** The state of a job that runs. */
  running: string
  /**
   * SQL expressions over an image: the values that an act is about, such as its priority. For an undo the first is the state. Absent where an act is
   * about the whole image.
   */
  about?: (act: EngineActOrEdit | { act: 'undo' }) => ((image: string) => string)[]
  /** An SQL expression: an image without what may differ although nobody has changed the job. */
  comparable: (image: string) => string
  /**
   * An SQL expression on `jobs`: why the engine does not take the job back as it is in an image; null where it does. Absent where it takes every job.
   */
  whyNoPlace?: (sql: Sql, found: Found, image: string) => Fragment
  /** An SQL expression: an image without what `along` does not need. */
  carried?: (image: string) => string
  /** An SQL expression: the queue of a deleted row, for `along`. Absent where nothing goes with a deletion. */
  deletedQueue?: string
  /** What goes with a change, in its transaction, such as a sign to workers. Called with at least one job. */
  along?: (sql: Sql, found: Found, act: ActWithUndo, changed: ChangedJobs) => Promise<void>
  /** The only act that `along` goes with; absent for all of them. */
  alongOnly?: ActWithUndo
  /** An SQL expression on `jobs`: why the engine does not let a job be changed so; null where it does. */
  refusal?: (sql: Sql, found: Found, act: EngineAct['act']) => Fragment
  /** An SQL expression: the time `due.time` as the column of the engine keeps it. Undefined where it keeps every time. */
  keptDue?: string | undefined
  /** An SQL condition on `jobs`: the engine lets the job run again. */
  mayRetry: (sql: Sql, found: Found) => Fragment
  /** Why jobs cannot run again at times of their own; undefined where they can. */
  whyNoSpread?: Cannot | undefined
  /** An SQL expression on `jobs`: why the engine does not let the job run again; null where it does. */
  whyNoRetry: (sql: Sql, found: Found) => Fragment
  /** The places that a job takes when it runs again. */
  placesOfRetry?: (sql: Sql) => EnginePlace[]
  /** Absent for an engine that looks after lost jobs itself. */
  repair?: EngineRepair
  /** Absent for an engine whose jobs cannot be edited. */
  edits?: EngineEdits
  /** Undefined for an engine without dead letter queues. */
  moves?: EngineMoves
  /**
   * An SQL condition on `jobs`, by what indexes have: true for an ended job whose end, or without one its creation, is before the time that an
   * expression has. Undefined where no index serves it.
   */
  endedBefore?: (sql: Sql, found: Found, time: Fragment) => Fragment | undefined
  /** The index that has the ended jobs in the order of their ends. Absent where there is none. */
  endIndex?: EndIndex | undefined
  /** An SQL condition on `jobs`: the engine needs the job no more, so that it may be deleted. */
  mayDelete: (sql: Sql, found: Found, by: 'prune' | 'erase') => Fragment
  /**
   * What foreign keys may refer to: columns of the table, as quoted names, with the columns of `jobs` that have the same values. `along` are the
   * engine's own tables whose rows the archive keeps.
   */
  referred: { columns: Readonly<Record<string, string>>; along?: readonly string[] }
  /** What goes with an erasure beside the rows of the jobs and of the archive. Absent where nothing does. */
  erased?: {
    /** The columns of `jobs`, and of its archive, that `along` reads beside `queue` and `native_id`, as a list. */
    columns: string
    /**
     * Called with at least one job, in the transaction of the erasure.
     * @param archive with its schema
     * @param jobs the erased jobs as the text of a JSON array of those columns
     * @param from whether the jobs or their archived copies are erased
     */
    along: (sql: Sql, found: Found, archive: Fragment, jobs: string, from: 'jobs' | 'archive') => Promise<void>
  }
  /** An SQL expression on `jobs`: why the engine still needs an ended job, so that a prune leaves it; null where it does not. */
  whyNoPrune?: (sql: Sql, found: Found) => Fragment
  /** The columns of the table that a deleted job comes back with, and their values from a row `picked` of the archive. */
  revived: (sql: Sql, found: Found, until: Fragment) => Promise<{ names: Fragment; values: Fragment }>
  /** Takes locks before deleted jobs come back. `queues` is a query of the names of their queues. */
  beforeRevival?: (sql: Sql, found: Found, queues: Fragment) => Promise<unknown>
  /** CTEs, each after a comma, that put back what was deleted with the rows of `picked` whose `jobsctl_key` is in `back`. */
  revivedAlong?: (sql: Sql, found: Found) => Fragment
  /** Why the table of the engine has not taken a row of the archive for which there is no obstacle. */
  whyNotInserted: string
  /** An SQL expression on `jobs`, a row of the archive: why the engine does not take the job back; null where it does. */
  obstacle: (sql: Sql, found: Found) => Fragment
  /**
   * An SQL condition on `jobs`, a row of the archive, never null: there is an obstacle that may have come since the search, and that the insertion of
   * the row does not meet. Absent where a batch looks for every obstacle once more.
   */
  failsLater?: (sql: Sql, found: Found) => Fragment
  /** The archive with the columns of `jobs_archive`, as a query in parentheses. `schema` is that of our tables. */
  archived: (found: Found, schema: string) => string
  /** The columns of the archive that a deleted job fills, as quoted names, and their values from its row `deleted`. */
  archivedColumns: (sql: Sql, found: Found) => Promise<{ name: string; value: string }[]>
  /** How a row of the archive is found. */
  archivedBy: {
    /** An SQL condition: the row `archived` of the archive is the job `chosen`, with `queue` and `native_id`. */
    isChosen: string
    /** Columns of a row of the archive, as a list: the order of the index that finds the jobs of an operation. */
    order: string
    /** An SQL condition on `jobs`, a row of the archive: it is the job of a key, or comes after it in this order. */
    isFrom: (sql: Sql, key: { queue: string; id: string }) => Fragment
    /** The columns that tell two rows of the archive apart, as a list, and their values in a row that comes back to the engine's table. */
    columns: string
    inserted: string
  }
}
