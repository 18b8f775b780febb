/**
 * What calls ask of an engine, each verb with its words on the page of engines. The names are on the wire. Verbs are split where one engine
 * can do a part of what another can do.
 */
export const verbs = {
  stats: 'stats, queues, stale, top, metrics',
  list: 'list',
  ended_jobs: 'completed and cancelled jobs, in list and prune',
  show: 'show',
  clusters: 'clusters',
  explain: 'explain',
  workers: 'workers',
  history: 'history',
  marks: 'mark',
  prune: 'prune',
  retry: 'retry',
  requeue: 'requeue',
  redrive: 'redrive',
  cancel_queued: 'cancel of queued jobs',
  cancel_running: 'cancel of running jobs',
  sweep_queued: 'sweep of queued jobs',
  sweep_running: 'sweep of running jobs',
  sweep_fail: 'sweep that fails jobs',
  reschedule: 'reschedule',
  priority: 'priority',
  edit: 'edit',
  integrity: 'integrity',
  integrity_fix: 'integrity --fix',
  reclaim: 'reclaim',
  erase: 'erase',
  erase_by_owner: 'erase --owner',
  erase_by_payload: 'erase --payload',
  undo: 'undo',
  records: 'operations, verify, archive',
  holds: 'hold',
  plans: 'plans, apply, approve',
  policy: 'policy',
  events: 'events',
  pause: 'pause, resume',
  drain: 'drain',
  threshold: 'threshold',
  throttle: 'throttle',
  sla: 'SLA of queues',
  enqueue: 'enqueue',
  acquire: 'acquire: hand out jobs to workers',
  finish: 'renew, complete, fail, release',
  attachments: 'attachments',
  upkeep: 'kept counts and indexes, in doctor',
} as const

export type Verb = keyof typeof verbs

const isVerb = (name: string): name is Verb => Object.hasOwn(verbs, name)

/** All verbs, in the order of the pages. */
export const allVerbs: readonly Verb[] = Object.keys(verbs).filter(isVerb)

/**
 * What a call asks of the engine: one verb, or the verbs of its input. `always` asks nothing of the engine. `session` asks nothing either,
 * and needs no tables: a server without tables keeps sessions in memory.
 */
export type Asked<In> = Verb | 'always' | 'session' | ((input: In) => readonly Verb[])

const ended = ['completed', 'cancelled']

/** What a call asks beside `verb` that names completed or cancelled jobs and no others. */
export const askedWithEnded = (verb: Verb, status: readonly string[] | undefined): readonly Verb[] =>
  status?.every((state) => ended.includes(state)) ? [verb, 'ended_jobs'] : [verb]

interface ByState {
  queued: Verb
  running: Verb
}

/** The verbs of a change that takes queued and running jobs, as far as its filter names states. */
export const askedOfStates = (status: readonly string[] | undefined, { queued, running }: ByState): readonly Verb[] => {
  if (status === undefined) return [queued, running]
  if (!status.includes('processing')) return [queued]
  return status.includes('queued') ? [queued, running] : [running]
}
