/** What each field of an input means. `endpoint.field` is for a field that means something of its own in one endpoint. */
const meanings: Record<string, string> = {
  action: '`pause` and `drain` stop new leases, `resume` ends both; a queue that drains refuses new jobs, too',
  'finishMany.action': 'how the attempt ended',
  'sweep.action': 'the state in which the jobs end',
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
  'getOperation.id': 'the id of the operation',
  idempotency_key: 'a second job with this key in its domain, queue and type is the first job',
  ids: 'only these jobs, separated by commas',
  include_kept: 'dry run only: count what stays, too, at the cost of reading the finished jobs in scope',
  job_id: 'this job alone',
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
  min_retries: 'only jobs with at least so many retries',
  must_exist: 'true answers 404 for a queue that never had a job and was never stopped, and changes nothing',
  owner_user_id: 'the owner of the job',
  'listJobs.owner_user_id': 'only jobs of this owner',
  'listJobs.payload':
    'sent as `payload.<path>=<value>`, such as `payload.customer.id=7`: only jobs with this value in the payload',
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
  sort_by:
    '`created_at`, `priority`, `status`, `completed_at` or `ended_at`; jobs without the key come last. By `priority` and `status` the newest 50,000 jobs are sorted first, then the next 50,000',
  sort_order: '`asc` or `desc`; equal keys are in the order of their ids',
  stale: '`true`: only running jobs whose lease has expired; `false`: all others',
  state: 'only operations in this state',
  status: 'only jobs in this state, or in one of several that are separated by commas',
  statuses: 'of `completed`, `failed`, `cancelled`, `quarantined`',
  wait_seconds: 'how long the call may wait until there is a job',
  'listJobs.worker_id': 'only jobs that this worker runs, or ran last',
  worker_id: 'the name of the worker',
}

/**
 * The meaning of a field.
 * @throws Error for a field without one
 */
export function meaningOf(endpoint: string, field: string): string {
  used.add(field).add(`${endpoint}.${field}`)
  const meaning = meanings[`${endpoint}.${field}`] ?? meanings[field]
  if (meaning === undefined) throw new Error(`scripts/docs/field-meanings.ts has no meaning of ${endpoint}.${field}`)
  return meaning
}

const used = new Set<string>()

/** Fields that no endpoint has, once all were asked for. */
export const unusedMeanings = (): string[] => Object.keys(meanings).filter((name) => !used.has(name))
