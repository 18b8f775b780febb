import { jobFilterFields } from '../../shared/jobs/job-filter.ts'

/** What each field of an input means. `endpoint.field` is for a field that means something of its own in one endpoint. */
const meanings: Record<string, string> = {
  action:
    '`pause` and `drain` stop new leases, `resume` ends both, in upper or lower case; a queue that drains refuses new jobs, too',
  'finishMany.action': 'how the attempt ended',
  'sweep.action': 'the state in which the jobs end',
  role: 'the role of the token',
  may_enqueue: 'a worker that may also enqueue jobs',
  name: 'the name of the token, for people',
  principal: 'whom the token is for; the principal of the caller when absent',
  expires: 'days until the token expires, or `never`; when absent 90, and 30 of an admin',
  'showToken.id': 'the id of the token',
  'setTokenRole.id': 'the id of the token',
  'suspendToken.id': 'the id of the token',
  'resumeToken.id': 'the id of the token',
  'revokeToken.id': 'the id of the token',
  'listTokens.limit': 'at most this many',
  all: 'true for every job that the change can take, in place of a filter',
  by_seconds: 'so many seconds later than planned; less than 0 is earlier',
  count_attempt: 'count one failed attempt with the code `lease_expired`',
  delay_seconds: 'so many seconds from now',
  delta_seconds: 'with `set_now: false`: so many seconds later than planned; less than 0 is earlier',
  keep_retries: 'leave the number of retries and the streak of equal failures as they are',
  only_failed: 'false makes queued jobs due at once, too, that are due later',
  set_now: 'true makes the jobs due now',
  spread_seconds: 'spread the jobs over this time, so that they do not all run at once',
  with_dependents: 'bring back the jobs that were cancelled because these jobs had ended badly',
  with_foreign_rows:
    'also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused',
  no_archive:
    'delete the jobs without a copy in the archive: no undo can give them back. The preview and the record say so (`no_way_back`)',
  worker_prefix: 'running jobs of all workers whose id begins with this text',
  'retry.limit': 'retry only so many; the answer has their ids and a token for the rest',
  'cancelBatch.force': 'end running jobs now, too; their workers lose the lease',
  'cancelBatch.reason': 'kept with each job as `cancellation_reason`; `batch_cancel` when absent',
  'reschedule.available_at': 'the jobs can run from this time on',
  after_id: 'only events after this id; 0 means from the beginning',
  age_seconds: 'queued jobs that were created at least this long ago',
  available_at: 'the job does not run before this time; absent means at once',
  backoff_seconds: 'the wait before the next attempt, 1 s when absent; it doubles with each attempt, up to an hour',
  batch_group: 'a name that jobs of one batch share',
  before_id: 'only operations before this id, to turn the page',
  completion_token: 'chosen by the worker: the same finish with the same token is answered as the first time',
  'listJobs.batch_group': 'only jobs of this batch',
  created_after: 'created at this time or later',
  created_before: 'created before this time',
  cursor: 'where the page begins: part of a URL of the header `Link`',
  depends_on: 'uuids of jobs that must be completed before this job runs',
  detail_top_k: 'dry run only: list so many of the largest groups',
  domain: 'the domain',
  dry_run: 'count, and change nothing',
  ended_after: 'ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at`',
  ended_before: 'ended before this time',
  'listJobs.error': 'a part of the error message, in upper or lower case',
  'listJobs.error_code': 'only jobs with this error code',
  error: 'what went wrong, for people',
  error_class: 'the class of the error',
  error_code: 'what went wrong, for programs; the same code several times in a row ends in quarantine',
  error_stack: 'any JSON, at most `JOBS_MAX_JSON_BYTES`',
  expect: 'the hash of a record, kept elsewhere, which the chain must still contain',
  fix: 'repair, and not only count',
  force: 'end a running job now; its worker loses the lease',
  id: 'the id of the job',
  'undo.id': 'the id of the operation to take back',
  'undo.domain': 'only jobs of this domain: a part of the operation',
  'undo.queue': 'only jobs of this queue',
  'undo.job_type': 'only jobs of this type',
  'undo.ids': 'only these jobs of the operation',
  'listOperations.caller': 'only operations of this caller',
  'listOperations.since': 'only operations that began at this time or later',
  'getOperation.id': 'the id of the operation',
  idempotency_key: 'a second job with this key in its domain, queue and type is the first job',
  ids: 'only these jobs: separated by commas in a query, a list in a body',
  include_kept: 'dry run only: count what stays, too, at the cost of reading the finished jobs in scope',
  job_id: 'this job alone',
  'archiveMeta.job_id': 'the id of the archived job',
  'archiveMeta.domain': 'the domain that the job must have',
  job_type: 'the job type',
  job_types: 'only jobs of these types',
  jobs: 'the jobs; their fields are below',
  kind: 'only operations of this kind',
  'addAttachment.kind': '`log`, `artifact` or `tag`',
  content_text: 'the text, at most 1 MiB of UTF-8; a text or a URL is needed',
  url: 'where the attachment is, by http or https',
  'addAttachment.domain': 'the domain that the job must have',
  'listAttachments.domain': 'the domain that the job must have',
  'listAttachments.after_id': 'only attachments after this id, to turn the page',
  lease_id: 'the lease under which the worker holds the job',
  lease_seconds:
    'the length of the lease from now on, 60 s when absent, at most `JOBS_LEASE_MAX_SECONDS`; a renewal never makes a lease shorter',
  limit: 'the most rows to answer',
  'acquire.limit': 'the most jobs to lease',
  'requeue.limit': 'requeue only so many; the answer has their ids and a token for the rest',
  max: 'refuse, and change nothing, when more jobs match',
  max_duration_seconds: 'how long a job may run, since it was started',
  max_queue_latency_seconds: 'how long a job may wait, from its creation until a worker takes it',
  enabled: 'false: no job is over these limits',
  max_retries: 'attempts after the first one',
  older_than_days: 'days since the job ended',
  cluster: 'only failures of this cluster, as `GET /api/v1/jobs/clusters` has it',
  min_retries: 'only jobs with at least so many retries',
  must_exist: 'true answers 404 for a queue that never had a job and was never stopped, and changes nothing',
  owner_user_id: 'the owner of the job',
  'listJobs.owner_user_id': 'only jobs of this owner',
  'listJobs.payload':
    'only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query',
  payload: 'an object for the worker, at most `JOBS_MAX_JSON_BYTES`',
  preview_token: 'the `token` of a preview: the change touches the jobs of this preview and no others',
  priority: 'a job with a lower number runs first',
  progress_message: 'a sentence about the progress',
  progress_percent: 'the progress',
  project_id: 'the project of the job',
  queue: 'the queue',
  reason: 'why, for the event',
  redact: '`true` masks values whose names look secret (`JOBS_REDACT_KEYS`)',
  result: 'any JSON, at most `JOBS_MAX_JSON_BYTES`',
  retryable: 'false when another attempt would fail, too',
  runtime_seconds: 'processing jobs that were picked up at least this long ago',
  rate: 'at most so many jobs a second',
  'stopOperation.id': 'the id of the operation',
  'keepOperation.id': 'the id of the operation',
  'keepOperation.until':
    'the time up to which its jobs and row images are kept, rounded up to whole days since its end, at most 3,650',
  'addHold.ids': 'these jobs, whether they exist or are in the archive, at most 1,000,000',
  'addHold.operation_id': 'the archived jobs and row images of this operation, and jobs that still exist',
  'addHold.all': 'true for every job, in place of a filter',
  'addHold.until': 'when the hold ends, at most 3,650 days from now',
  'listHolds.before_id': 'only holds before this id, to turn the page',
  'removeHold.id': 'the id of the hold',
  'undo.hold_until':
    'until when prune and sweep pass over what is given back, at most 3,650 days from now; `JOBS_ARCHIVE_DAYS` when absent',
  'listConflicts.id': 'the id of the operation',
  'listConflicts.domain': 'only jobs of this domain',
  'listConflicts.queue': 'only jobs of this queue',
  'listConflicts.job_type': 'only jobs of this type',
  'listConflicts.after_id': 'only jobs with a higher id, for the next page',
  'followOperation.id': 'the id of the operation',
  skip_expired: '`true` passes over events that have been deleted because their term was over, instead of 410',
  sort_by:
    '`created_at`, `priority`, `status`, `completed_at` or `ended_at`; jobs without the key come last, by their creation. By `priority` and `status` the newest jobs are sorted first, as many as are read in 200 ms and 50,000 at most, then the next ones',
  sort_order: '`asc` or `desc`; equal keys are in the order of their ids',
  stale: '`true`: only running jobs whose lease has expired; `false`: all others',
  'failureClusters.status': '`failed`, `quarantined`, or `retrying`: queued jobs that have failed before',
  'failureClusters.limit': 'the most clusters to answer',
  since: 'only failures at this time or later',
  until: 'no batch begins after this time; the change then ends as `partial`',
  'failureClusters.until': 'only failures before this time',
  state: 'only operations in this state',
  status: 'only jobs in this state, or in one of several that are separated by commas',
  statuses: 'of `completed`, `failed`, `cancelled`, `quarantined`',
  wait_seconds: 'how long the call may wait until there is a job',
  'listJobs.worker_id': 'only jobs that this worker runs, or ran last',
  worker_id: 'the name of the worker',
}

/** The fields of the filter that `listJobs` and changes share; each means the same in all of them. */
const filterNames = new Set(Object.keys(jobFilterFields))

/**
 * The meaning of a field.
 * @param others the other fields of the endpoint: `all` is a field of changes that take a filter
 * @throws Error for a field without a meaning
 */
export function meaningOf(endpoint: string, field: string, others: readonly string[]): string {
  const ofFilter = others.includes('all') && filterNames.has(field) ? [`listJobs.${field}`] : []
  const names = [`${endpoint}.${field}`, ...ofFilter, field]
  const meaning = names.map((name) => meanings[name]).find((text) => text !== undefined)
  for (const name of names) used.add(name)
  if (meaning === undefined) throw new Error(`scripts/docs/field-meanings.ts has no meaning of ${endpoint}.${field}`)
  return meaning
}

const used = new Set<string>()

/** Fields that no endpoint has, once all were asked for. */
export const unusedMeanings = (): string[] => Object.keys(meanings).filter((name) => !used.has(name))
