import type { Can, Cannot } from '../can.ts'
import { hasEditable } from './edit.ts'
import type { JobsMap } from './map.ts'

const bySomebodyElse = (cannot: string): Cannot => ({ cannot, instead: 'what your application does for it' })

const absent = (part: string, what: string): Cannot => ({
  cannot: `the map of the table has no ${part}`,
  instead: `${what}, and jobs-server init --check reads the map again`,
})

/** What no map can. */
const never = {
  requeue: {
    cannot: 'a retry of a mapped table is what its map sets, also for quarantined jobs',
    instead: 'jobsctl retry --also-quarantined',
  },
  redrive: {
    cannot: 'a mapped table has no dead-letter queue',
    instead: 'jobsctl retry runs failed jobs again',
  },
  cancel_running: {
    cannot: 'nobody tells the worker of a mapped table that its job was cancelled',
    instead: 'jobsctl cancel --status queued, or stop the worker in your application',
  },
  sweep_running: {
    cannot: 'nobody tells the worker of a mapped table that its job was ended',
    instead: 'jobsctl stale lists running jobs whose time is over, where the map has times.lease',
  },
  sweep_fail: {
    cannot: 'a map says how a job is cancelled, not how it fails',
    instead: 'a sweep without --action fail cancels the jobs',
  },
  integrity: {
    cannot: 'no map says which jobs have lost their worker',
    instead: 'jobsctl stale lists running jobs whose time is over, where the map has times.lease',
  },
  integrity_fix: {
    cannot: 'no map says how a job that lost its worker is repaired',
    instead: 'what your application does with jobs of a worker that has ended',
  },
  reclaim: {
    cannot: 'no map says how a job is taken from its worker',
    instead: 'what your application does with jobs of a worker that has ended',
  },
  pause: { cannot: 'a mapped table cannot pause a queue', instead: 'stop the workers of the queue' },
  drain: {
    cannot: 'a mapped table cannot drain a queue',
    instead: 'stop what inserts jobs, and let the workers finish what waits',
  },
  threshold: bySomebodyElse('no map says when a job is quarantined'),
  throttle: {
    cannot: 'workers of a mapped table take jobs in SQL of their own, which no throttle of ours holds back',
    instead: 'a limit in the program that takes the jobs',
  },
  sla: {
    cannot: 'the SLA of a queue is kept for own jobs alone',
    instead: 'alert on the age of the oldest waiting job, which /metrics/jobs has',
  },
  enqueue: {
    cannot: 'jobs of a mapped table are inserted by your application',
    instead: 'what your application does to add a job',
  },
  acquire: {
    cannot: 'workers of a mapped table take their jobs by SQL of their own',
    instead: 'the workers of your application',
  },
  finish: {
    cannot: 'a job of a mapped table is ended by the worker that has it',
    instead: 'the workers of your application',
  },
  attachments: {
    cannot: 'jobs of a mapped table have no attachments',
    instead: 'keep the text, or its address, in a column of the job',
  },
  upkeep: {
    cannot: 'a mapped table and its indexes are yours',
    instead: 'jobs-server init --check says which index each call uses',
  },
} as const

/**
 * What jobsctl can over a mapped table.
 * @param referredBy the tables whose rows refer to its rows
 * @param whyNotSet why no change can set a column of the table; undefined where one can
 */
export function canOf(
  map: Pick<
    JobsMap,
    | 'retry'
    | 'cancel'
    | 'prune'
    | 'times'
    | 'priority'
    | 'locked_by'
    | 'owner'
    | 'payload'
    | 'max_attempts'
    | 'batch_group'
    | 'job_type'
  >,
  referredBy: readonly string[],
  whyNotSet: (name: string) => string | undefined,
): Can {
  const cancel = map.cancel ? true : absent('cancel', 'add cancel: {set: …}')
  return {
    stats: true,
    list: true,
    ended_jobs: true,
    show: true,
    clusters: true,
    explain: true,
    marks: true,
    undo: true,
    records: true,
    holds: true,
    plans: true,
    policy: true,
    events: true,
    ...never,
    history: map.times.ended ? true : absent('times.ended', 'add times: {ended: …}'),
    workers: map.locked_by
      ? true
      : absent('locked_by', 'add locked_by: {column: …}, the column with the name of the worker'),
    prune: deletionOf('a prune', map, referredBy),
    erase: deletionOf('an erasure', map, referredBy),
    erase_by_owner: map.owner
      ? true
      : absent('owner', 'add owner: {column: …}, or name the jobs by a value of their payload or by their ids'),
    erase_by_payload: map.payload ? true : absent('payload', 'add payload: {column: …}, or name the jobs by their ids'),
    retry: map.retry ? true : absent('retry', 'add retry: {set: …}'),
    cancel_queued: cancel,
    sweep_queued: cancel,
    reschedule: map.times.due ? setting(whyNotSet(map.times.due)) : absent('times.due', 'add times: {due: …}'),
    edit: hasEditable(map)
      ? true
      : absent('payload', 'add payload: {column: …} with a column of type jsonb, or a column of a field'),
    priority: map.priority ? setting(whyNotSet(map.priority.column)) : absent('priority', 'add priority: {column: …}'),
  }
}

const setting = (cannot: string | undefined): true | Cannot => (cannot === undefined ? true : bySomebodyElse(cannot))

function deletionOf(what: string, { prune }: Pick<JobsMap, 'prune'>, referredBy: readonly string[]): true | Cannot {
  if (referredBy.length > 0)
    return {
      cannot: `rows of ${referredBy.slice(0, 5).join(', ')} refer to jobs by a foreign key, and ${what} touches no rows of other tables`,
      instead: 'delete these rows and their jobs in your application',
    }
  return prune ? true : absent('prune', 'add prune: {of: [completed, failed]}')
}

/** What a map with every part can, for the page of engines. */
export const can: Can = canOf(
  {
    retry: { set: {} },
    cancel: { set: {} },
    prune: { of: ['completed'] },
    times: { created: 'created_at', due: 'run_at', ended: 'ended_at' },
    priority: { column: 'priority' },
    locked_by: { column: 'locked_by' },
    owner: { column: 'tenant' },
    payload: { column: 'args' },
  },
  [],
  () => undefined,
)
