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
  scope:
    'what the token is limited to: jobs of these `domains` and of these `queues` (`domain`, `queue`), and of them those of `job_types`; with `cascade` its changes may end dependents outside. Null limits nothing',
  'setTokenScope.id': 'the id of the token',
  'showToken.id': 'the id of the token',
  'setTokenRole.id': 'the id of the token',
  'suspendToken.id': 'the id of the token',
  'resumeToken.id': 'the id of the token',
  'revokeToken.id': 'the id of the token',
  'setTokenLimits.id': 'the id of the token',
  'proposePlan.path': 'the path of the change, such as `/api/v1/jobs/prune`',
  'proposePlan.request': 'the body of that call; of an undo with the `id` of the operation',
  'listPlans.state': 'only plans in this state',
  'listPlans.limit': 'at most this many',
  'showPlan.id': 'the id of the plan',
  'approvePlan.id': 'the id of the plan',
  'rejectPlan.id': 'the id of the plan',
  'applyPlan.id': 'the id of the plan',
  digest: 'the `digest` of the plan as it was read',
  rest_token:
    'of a plan with `limit`, after its first jobs: the `rest_token` of that answer applies the plan to the other jobs',
  'applyPlan.digest': 'the `digest` of the plan as it was read; without it, the plan is taken as it is',
  above: 'the most jobs of a change without an approval; null means that no change needs one',
  'reviewOperation.id': 'the id of the operation',
  approver: 'it may approve plans of other principals',
  may_break_glass: 'it may go past an approval in an emergency (`X-Emergency`)',
  tree: 'also the tokens that it made or rotated, and those that they made or rotated',
  max_per_change: 'the most jobs that one change of many jobs may touch, with the jobs that go along',
  max_per_day:
    'the most jobs that the changes of all tokens of the same principal may have touched in 24 hours, for a further one to begin',
  'rotateToken.id': 'the id of the token',
  'listCallers.limit': 'at most this many',
  'blockCaller.caller': 'the caller as records name it, `oidc:…`',
  'unblockCaller.caller': 'the caller as records name it, `oidc:…`',
  'openSession.key': 'the API key, or a token',
  everywhere: 'all sessions of the caller, in every browser; else the one of the call',
  overlap_seconds: 'seconds for which the old secret works on, up to 7 days; 0 ends it at once',
  'listTokens.limit': 'at most this many',
  all: 'true for every job that the change can take, in place of a filter',
  'addMark.text': 'what happened, 1 to 200 characters',
  'listMarks.text': 'only marks with this very text',
  'listMarks.limit': 'at most this many',
  'history.from': 'from the step that this time is in; 24 hours before `to` when absent',
  'history.to': 'to the end of the step before this time; now when absent',
  step: 'how long a point is; the shortest with at most 60 points when absent. Below `1h` only the last 7 days can be asked for',
  by_seconds: 'so many seconds later than planned; less than 0 is earlier',
  count_attempt: 'count one failed attempt with the code `lease_expired`',
  delay_seconds: 'so many seconds from now',
  delta_seconds: 'with `set_now: false`: so many seconds later than planned; less than 0 is earlier',
  keep_retries: 'leave the number of retries and the streak of equal failures as they are',
  also_quarantined: 'takes quarantined jobs, too, in the same operation',
  with_retries_left:
    'takes only failed jobs whose retries are not used up, as the other server does; the default is all failed jobs',
  only_failed: 'false makes queued jobs due at once, too, that are due later',
  set_now: 'true makes the jobs due now',
  spread_seconds: 'spread the jobs over this time, so that they do not all run at once',
  with_dependents: 'bring back the jobs that were cancelled because these jobs had ended badly',
  with_foreign_rows:
    'also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused',
  pass_over_foreign:
    'leave out jobs to which rows of other tables refer by a foreign key that forbids their deletion; without it a prune of such jobs is refused',
  no_archive:
    'delete the jobs without a copy in the archive: no undo can give them back. The preview and the record say so (`no_way_back`)',
  worker_prefix: 'running jobs of all workers whose id begins with this text',
  'retry.limit': 'retry only so many; the answer has their ids and a token for the rest',
  'cancelBatch.force': 'end running jobs now, too; their workers lose the lease',
  'cancelBatch.reason': 'kept with each job as `cancellation_reason`; `batch_cancel` when absent',
  'reschedule.available_at': 'the jobs can run from this time on',
  event:
    '`job` asks for the messages of the other server beside the events: `event: ping` at the beginning, and `data: {"heartbeat": true}` after each second of silence',
  after_id: 'only events after this id; 0 means from the beginning',
  age_seconds: 'queued jobs that were created at least this long ago',
  available_at: 'the job does not run before this time; absent means at once',
  backoff_seconds: 'the wait before the next attempt, 1 s when absent; it doubles with each attempt, up to an hour',
  batch_group: 'a name that jobs of one batch share',
  most: 'above so many groups, those of a queue are sent as one, and above so many queues those of a domain',
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
  'jobByKey.idempotency_key': 'the key with which the job was enqueued',
  ids: 'only these jobs: separated by commas in a query, a list in a body',
  include_kept: 'dry run only: count what stays, too, at the cost of reading the finished jobs in scope',
  job_id: 'this job alone',
  'archiveMeta.job_id': 'the id of the archived job',
  'archiveMeta.domain': 'the domain that the job must have',
  job_type: 'the job type',
  job_types: 'only jobs of these types',
  jobs: 'the jobs; their fields are below',
  kind: 'only records of this kind; `changes` are all bulk changes, and `acts` all other ones',
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
  quarantine_threshold:
    'after how many failures in a row with one error code the job is quarantined; left out, as its queue says',
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
  redact:
    '`true` masks values whose names look secret (`JOBS_REDACT_KEYS`); absent means `true` for a token with a role, and `false` for the single-user key and a token without one',
  result: 'any JSON, at most `JOBS_MAX_JSON_BYTES`',
  retryable: 'false when another attempt would fail, too',
  runtime_seconds: 'processing jobs that were picked up at least this long ago',
  rate: 'at most so many jobs a second',
  'stopOperation.id': 'the id of the operation',
  'keepOperation.id': 'the id of the operation',
  'keepOperation.until':
    'the time up to which its jobs and row images are kept, rounded up to whole days since its end, at most 3,650',
  'moveEventCursor.name': 'a letter or a digit, then letters, digits and `_ . : -`, at most 64',
  'moveEventCursor.after_id': 'the id of the last event that the reader has dealt with',
  'removeEventCursor.name': 'the name of the cursor',
  'applyPolicy.rules': 'at most 100 rules; none ends the policy',
  'applyPolicy.name': 'the name of the rule: small letters, digits, `-` and `_`, at most 63',
  'applyPolicy.all': '`true` for the jobs of every domain, in place of `domain`, `queue` and `job_type`',
  'applyPolicy.prune':
    'deletes finished jobs: `statuses` and `older_than_days`, both as in a prune. A rule has `prune` or `sweep`',
  'applyPolicy.sweep':
    'ends jobs that wait or run for too long: `age_seconds`, `runtime_seconds` (60 at least) and `action`, as in a sweep',
  'applyPolicy.at': 'when the rule runs: minute, hour, day, month and weekday of cron, such as `15 3 * * *`',
  'applyPolicy.time_zone': 'the time zone of `at`, such as `Europe/Berlin`',
  'applyPolicy.max': 'the most jobs of one run, the oldest first; the others are left to the next run',
  'applyPolicy.mode': '`apply`, or `report` to count only',
  'applyPolicy.approval_above':
    'a change of more jobs that may meet the jobs of the rule needs an approval, also where an admin makes it',
  'applyPolicy.revision': 'the revision that it replaces, 0 for the first policy',
  'addHold.ids': 'these jobs, whether they exist or are in the archive, at most 1,000,000',
  'addHold.operation_id': 'the archived jobs and row images of this operation, and jobs that still exist',
  'addHold.all': 'true for every job, in place of a filter',
  'addHold.until': 'when the hold ends, at most 3,650 days from now',
  'events.before_id':
    'the last events before this id, in place of the first ones after `after_id`; 0 means the first ones after `after_id`',
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
  partial:
    'true for a reader that goes on from the header `X-Next-After`: where no event of its filter is found within 5 s, it gets a page without one in place of 503',
  skip_expired:
    '`true` passes over events that have been deleted because their term was over, `false` answers 410; absent, the call passes over them after 0 alone',
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
