import type { JobState } from '../work/job.ts'

/** What a change does to jobs. The changes of a principal with the same effect are added up before an approval is asked for. */
type Effect = 'ends' | 'deletes' | 'runs again' | 'moves' | 'edits' | 'gives back'

/** What server, command line and dashboard need to know of a kind of bulk change. */
export interface Kind {
  /** The names of its endpoints in `shared/endpoints.ts`; the first takes every request. */
  endpoints: readonly string[]
  /** The noun in messages: `another prune is running`. */
  name: string
  /** What the dashboard calls it: `Prune`. */
  label: string
  /** `would delete 9 jobs` */
  verb: string
  /** `deleted 9 jobs`, where that is not `done`. */
  did?: string
  /** `9 jobs deleted` */
  done: string
  /** The count of changed jobs in its answer. */
  countedBy: 'affected' | 'deleted' | 'fixed'
  /** The type of the event of each batch. */
  event: string
  /** The states of the jobs that it takes; none where states do not decide. */
  takes: readonly JobState[]
  effect: Effect
  /**
   * Where an undo finds the jobs: in the archive, in the row images, or in both, for jobs that were moved; or why there is no undo, as a
   * clause.
   */
  undo: 'archive' | 'row images' | 'both' | { readonly never: string }
  /** False where it cannot be a plan. */
  plannable: boolean
}

/** Every kind of bulk change, by the name that records, plans and JSON have for it. */
export const kinds = {
  prune: {
    endpoints: ['prune'],
    name: 'prune',
    label: 'Prune',
    verb: 'delete',
    done: 'deleted',
    countedBy: 'deleted',
    event: 'jobs.pruned',
    takes: ['completed', 'failed', 'cancelled', 'quarantined'],
    effect: 'deletes',
    undo: 'archive',
    plannable: true,
  },
  sweep: {
    endpoints: ['sweep'],
    name: 'sweep',
    label: 'Sweep',
    verb: 'end',
    done: 'ended',
    countedBy: 'affected',
    event: 'jobs.ttl_sweep',
    takes: ['queued', 'processing'],
    effect: 'ends',
    undo: 'row images',
    plannable: true,
  },
  requeue: {
    endpoints: ['requeue'],
    name: 'requeue',
    label: 'Requeue',
    verb: 'requeue',
    done: 'requeued',
    countedBy: 'affected',
    event: 'jobs.requeued',
    takes: ['quarantined'],
    effect: 'runs again',
    undo: 'row images',
    plannable: true,
  },
  integrity: {
    endpoints: ['integrity'],
    name: 'integrity sweep',
    label: 'Repair',
    verb: 'repair',
    done: 'repaired',
    countedBy: 'fixed',
    event: 'jobs.integrity_sweep',
    takes: [],
    effect: 'runs again',
    undo: { never: 'it is a repair' },
    plannable: true,
  },
  undo: {
    endpoints: ['undo'],
    name: 'undo',
    label: 'Give back',
    verb: 'give back',
    did: 'gave back',
    done: 'given back',
    countedBy: 'affected',
    event: 'jobs.undone',
    takes: [],
    effect: 'gives back',
    undo: { never: 'it is an undo' },
    plannable: true,
  },
  cancel: {
    endpoints: ['cancelBatch'],
    name: 'cancel',
    label: 'Cancel',
    verb: 'cancel',
    done: 'cancelled',
    countedBy: 'affected',
    event: 'jobs.cancelled',
    takes: ['queued', 'processing'],
    effect: 'ends',
    undo: 'row images',
    plannable: true,
  },
  retry: {
    endpoints: ['retry'],
    name: 'retry',
    label: 'Retry',
    verb: 'retry',
    done: 'retried',
    countedBy: 'affected',
    event: 'jobs.retried',
    takes: ['failed'],
    effect: 'runs again',
    undo: 'row images',
    plannable: true,
  },
  redrive: {
    endpoints: ['redrive'],
    name: 'redrive',
    label: 'Redrive',
    verb: 'redrive',
    done: 'redriven',
    countedBy: 'affected',
    event: 'jobs.redriven',
    takes: ['queued'],
    effect: 'runs again',
    undo: 'both',
    plannable: true,
  },
  reclaim: {
    endpoints: ['reclaim'],
    name: 'reclaim',
    label: 'Reclaim',
    verb: 'take back',
    did: 'took back',
    done: 'reclaimed',
    countedBy: 'affected',
    event: 'jobs.reclaimed',
    takes: ['processing'],
    effect: 'runs again',
    undo: { never: 'it is a reclaim' },
    plannable: true,
  },
  reschedule: {
    endpoints: ['reschedule', 'rescheduleShift'],
    name: 'reschedule',
    label: 'Reschedule',
    verb: 'reschedule',
    done: 'rescheduled',
    countedBy: 'affected',
    event: 'jobs.rescheduled',
    takes: ['queued'],
    effect: 'moves',
    undo: 'row images',
    plannable: true,
  },
  priority: {
    endpoints: ['setPriority'],
    name: 'change of priority',
    label: 'Set priority',
    verb: 'set the priority of',
    did: 'set the priority of',
    done: 'given another priority',
    countedBy: 'affected',
    event: 'jobs.priority_set',
    takes: ['queued'],
    effect: 'moves',
    undo: 'row images',
    plannable: true,
  },
  edit: {
    endpoints: ['edit'],
    name: 'edit',
    label: 'Edit',
    verb: 'edit',
    done: 'edited',
    countedBy: 'affected',
    event: 'jobs.edited',
    takes: ['queued'],
    effect: 'edits',
    undo: 'row images',
    plannable: true,
  },
  erase: {
    endpoints: ['erase'],
    name: 'erasure',
    label: 'Erase',
    verb: 'erase',
    done: 'erased',
    countedBy: 'affected',
    event: 'jobs.erased',
    takes: [],
    effect: 'deletes',
    undo: { never: 'the jobs are erased for good' },
    plannable: false,
  },
} as const satisfies Record<string, Kind>

export type BulkKind = keyof typeof kinds
/** The names of the endpoints of bulk changes. */
export type BulkName = (typeof kinds)[BulkKind]['endpoints'][number]
/** The kinds that can be a plan. */
export type PlannableKind = { [K in BulkKind]: (typeof kinds)[K]['plannable'] extends true ? K : never }[BulkKind]

/** A row, whichever kind it is of. */
export const kindOf = (kind: BulkKind): Kind => kinds[kind]

export const isBulkKind = (kind: string): kind is BulkKind => Object.hasOwn(kinds, kind)

/** All kinds, in the order of messages. */
export const bulkKinds: readonly BulkKind[] = Object.keys(kinds).filter(isBulkKind)

/** Whether an undo can give back what a change of this kind does. */
export const isUndoable = (kind: BulkKind): boolean => typeof kinds[kind].undo === 'string'

/** How an undo gives back the jobs of an operation; undefined for an act, and for a kind that only a later version knows. */
export const undoOf = (kind: string): Kind['undo'] | undefined => (isBulkKind(kind) ? kinds[kind].undo : undefined)
