import { readdir, readFile } from 'node:fs/promises'
import { code, page, table } from './markdown.ts'

/** Every event type, and what its row says. */
const types: Record<string, string> = {
  'job.created': 'a job was enqueued; `caller`, `priority`, `available_at`',
  'job.acquired': 'a worker leased the job; `worker_id`, `retry_count`, `leased_until`',
  'job.completed': 'the attempt ended well; `worker_id`, `retry_count`',
  'job.failed': 'the job ended as failed, by its worker or by a sweep (`reason`); `error_code`',
  'job.retry_scheduled':
    'the attempt failed and the job waits for the next one; `backoff_seconds`, `available_at`, `error_code`',
  'job.quarantined': 'the same error code came too often in a row; `error_code`',
  'job.lease_expired': 'the lease ran out and the job went back to the queue, as one failed attempt',
  'job.released': 'the worker gave the job back',
  'job.cancel_requested': 'somebody asked a running job to end; `reason`, `caller`',
  'job.cancelled': 'the job was cancelled: by a caller, by a sweep, or since a job that it needs ended badly; `reason`',
  'job.requeued': 'an operator put the quarantined job back into the queue',
  'job.retried': 'an operator made the failed job run again; `caller`, `retry_count`, `available_at`',
  'job.redriven':
    'an operator moved the job out of a dead letter queue, back into the queue that it came from; `caller`, and `moved_to`, the id that it has there',
  'job.revived': 'the cancelled job came back with a job that it depends on',
  'job.reclaimed': 'an operator took the job from its worker and put it back into the queue; `worker_id`',
  'job.rescheduled': 'an operator moved the time from which the job can run; `caller`, `available_at`',
  'job.priority_set': 'an operator set the priority of the job; `caller`, `priority`',
  'job.edited': 'an operator changed values of the job; `caller`, `paths`: what was set or unset, and no value',
  'job.revealed': 'a caller with a role saw the job without the mask of secrets; `caller`',
  'job.restored': 'an undo set the job back; `status`, `caller`',
  'jobs.pruned': 'one batch of a prune; `operation`, `affected`, `caller`, `reason`, `filters`',
  'jobs.ttl_sweep': 'one batch of a sweep; the same attributes',
  'jobs.requeued': 'one batch of a requeue; the same attributes',
  'jobs.integrity_sweep': 'one batch of a repair; the same attributes',
  'jobs.dependents_cancelled':
    'the last of more than 1,000 jobs was cancelled that depended on jobs which had ended badly; `dependents`, how many they were, and `jobs`, the ids of those that had ended',
  'jobs.cancelled': 'one batch of a cancellation of many jobs; the same attributes',
  'jobs.retried': 'one batch of a retry; the same attributes',
  'jobs.redriven': 'one batch of a redrive; the same attributes',
  'jobs.reclaimed': 'one batch of a reclaim; the same attributes',
  'jobs.rescheduled': 'one batch of a reschedule; the same attributes',
  'jobs.priority_set': 'one batch of a change of priorities; the same attributes',
  'jobs.edited': 'one batch of an edit; the same attributes',
  'jobs.undone': 'one batch of an undo; the same attributes',
  'jobs.erased':
    'one batch of an erasure; the same attributes, with a hash in place of the filter. The events of erased jobs have no owner, and `erased` as their only attribute',
  'queue.paused': 'an operator paused the queue; `caller`, `reason`',
  'queue.drained': 'an operator drains the queue; `caller`, `reason`',
  'queue.resumed': 'an operator resumed the queue; `caller`, `reason`',
  'queue.threshold_set':
    'an operator set after how many failures jobs of the queue are quarantined; `quarantine_threshold`, `before` (0 for never, null as the server says), `caller`, `reason`',
  'queue.throttle_set':
    'an operator set how many jobs of the queue run at the same time, or begin in a minute; `throttle` and `before`, each with `running` and `per_minute` (null for no limit), `caller`, `reason`',
  'operation.kept':
    'an operator prolonged how long an operation can be undone; `operation`, `kept_until`, `caller`, `reason`',
  'hold.added':
    'a caller held jobs; `hold`, `filter`, `operation` or `jobs` (their number), `until`, `caller`, `reason`. An undo has its hold on its record',
  'hold.removed': 'a caller ended a hold before its time; the same attributes',
  'operation.sealed':
    'the record of a bulk change that did not fail was closed and sealed; `operation`, `day`, `number`, `hash`, `version`, `seal`',
  'database.frozen': 'somebody froze the database; `by`, `since`, `reason`',
  'database.thawed': 'somebody ended the freeze; `by`, `freeze`',
  'database.adopted':
    'somebody said what a copied, moved or restored database is; `by`, `as` (`same` or `clone`), `before`, `after`',
  'engine.writes_closed':
    'an engine has migrated its tables, and no further job of the domain is changed; `engine`, `version`, `why`',
  'log.moved': 'the ids of events were moved on after a failover or a restore; `last_id`, `first_id`, `why`',
}

const columns: [string, string][] = [
  ['id', 'the order of the events; a reader goes on after the last id that it has seen'],
  ['event_type', 'one of the types below, or the type of another program'],
  ['job_id', 'the job; null for the decision of an operator'],
  ['domain, queue, job_type', 'where the job is; for a bulk change its scope'],
  ['attrs', 'what belongs to the type; the column is `attrs_json`'],
  ['owner_user_id', 'the owner of the job'],
  ['request_id', 'the call that caused the event; the log of the server has the id, too'],
  ['trace_id', 'the trace of the job'],
  ['created_at', 'when the transaction of the event began'],
]

/** The event types of the server, and the fields of an event. */
export async function eventsPage(): Promise<string> {
  await refuseUnknown()
  return page(
    'Events',
    'Each step of a job and each decision of an operator is a row of `job_events`, written in the transaction of the step. ' +
      '`GET /api/v1/jobs/events`, the stream beside it and `jobsctl events` show the rows. ' +
      '[Reading events](../workers/events.md) says how a reader misses none.',
    '## Fields',
    table(
      ['field', 'meaning'],
      columns.map(([name, meaning]) => [name.split(', ').map(code).join(', '), meaning]),
    ),
    '## Types',
    table(
      ['type', 'when, and the main attributes'],
      Object.entries(types).map(([type, when]) => [code(type), when]),
    ),
  )
}

/** @throws Error for an event type in the code of the server that this page does not have; `jobs.job_ref` is a column */
async function refuseUnknown(): Promise<void> {
  const files = (await readdir('server', { recursive: true })).filter((name) => /\.(ts|sql)$/.test(name))
  const texts = await Promise.all(files.map((name) => readFile(`server/${name}`, 'utf8')))
  const found = texts.flatMap((text) =>
    [...text.matchAll(/'(?!jobs\.job_ref')((?:job|jobs|queue|hold)\.[a-z_]+)'/g)].map(([, type = '']) => type),
  )
  const unknown = [...new Set(found)].filter((type) => !(type in types))
  if (unknown.length > 0) throw new Error(`scripts/docs/events.ts lacks the event types ${unknown.join(', ')}`)
}
