import type * as z from 'zod'
import type { Endpoint } from '../../shared/endpoint.ts'
import * as endpoints from '../../shared/endpoints.ts'
import { meaningOf, unusedMeanings } from './field-meanings.ts'
import { type Field, fieldsOf, itemsOf } from './fields.ts'
import { code, page, table } from './markdown.ts'

type Name = Exclude<keyof typeof endpoints, 'eventStream' | 'statsStream'>

/** What each call does, in the order of the page; a call without a sentence does not compile. */
const about: Record<Name, string> = {
  stats:
    'Counts queued, scheduled, processing and quarantined jobs of each group. A group without live jobs has zeros.',
  prune: 'Deletes finished jobs whose end is longer ago than the retention.',
  sweep:
    'Ends queued jobs that are too old, and processing jobs that run for too long. One of the two limits is needed.',
  requeue:
    'Puts quarantined jobs back into the queue, due at once, with all their retries before them, and brings back the jobs that were cancelled because of them.',
  integrity: 'Counts jobs that break an invariant. With `fix`, repairs them.',
  cancelBatch:
    'Cancels queued jobs with those that depend on them, and asks the workers of running jobs to end them. `affected` counts both; `cancelled` and `asked` stand beside it.',
  retry: 'Makes failed jobs run again, and brings back the jobs that were cancelled because of them (`dependents`).',
  reclaim: 'Takes running jobs from their workers and puts them back into the queue, due at once.',
  reschedule:
    'Moves the time from which queued jobs can run. Without a time the jobs are due now; jobs that are due already then keep their place.',
  rescheduleShift: 'The same with the fields that clients of the other server send.',
  setPriority: 'Sets the priority of queued jobs.',
  undo: 'Gives back what an operation changed, as far as the jobs have not gone on since.',
  listOperations: 'The records of bulk changes, the newest first.',
  getOperation: 'One record, and what has become of its jobs (`now`).',
  stopOperation: 'Asks a running operation to stop after its batch, whichever server runs it. Its batches stand.',
  listConflicts:
    'All jobs of the operation that an undo cannot give back now, each with the reason. A call reads 10,000 jobs that are kept; `next_after_id` is the `after_id` of the next call, and null after the last one.',
  keepOperation: 'Keeps what an undo of the operation needs until a time, or longer where it is kept longer already.',
  followOperation:
    'The progress of an operation, a line of JSON each, to its end: `{"progress": …}`, then `{"result": …}` or `{"error": …}`.',
  verifyOperations: 'Checks the hash chain of the records, day by day.',
  listArchive:
    'What an undo can still give back: the operations whose jobs or row images are kept, how many, and until when. The header `Link` has the next page.',
  archiveMeta: 'Whether an archived job has a payload and a result, as JSON or compressed.',
  listJobs:
    'Jobs that match a filter, in pages. The header `Link` has the pages beside this one, and `X-Complete` is `false` where the search stopped after 50,000 rows or 200 ms.',
  failureClusters:
    'Failures by what they have in common: state, error code and the pattern of the message, in which texts, addresses, paths and numbers are folded. The row `rest` has the failures that are in no other row; `X-Complete` is `false` then, and where a state has more than 100,000 failures. `expired_leases` counts running jobs whose lease has expired, by worker and job type.',
  showJob:
    'One job with every column, its dependencies, attachments and last events, also from the archive. `lease_id` and `completion_token` are null.',
  explainJob:
    'Every reason at once why a job does not run, each with its facts, one sentence, and the call that removes it (`remedy`); and its place in line, exact up to 10,000.',
  explainQueue:
    'The same for a queue: what waits, for how long, and every reason why nothing of it runs. 404 for a queue that never had a job.',
  listWorkers:
    'The workers that hold jobs, that ended some in the last 15 minutes, or that asked this API for some in the last hour, those with the most running jobs first. `X-Complete` is `false` where more than 50,000 running or ended jobs, or more than 1,000 workers, were found.',
  listAttachments:
    'The attachments of a job by their ids, also from the archive. The header `Link` has the next page, which begins earlier after large texts.',
  addAttachment: 'Adds a text of at most 1 MiB, or a URL, to a job that exists.',
  enqueue:
    'Takes a job in. 201 with the row; 200 with the row that is there and `created: false` when the idempotency key is taken.',
  enqueueBatch: 'Takes up to 1,000 jobs in, all or none.',
  acquire: 'Leases jobs of one queue in pick order.',
  renew: 'Extends a lease, reports progress, and tells whether the job is still wanted (`cancel_requested`).',
  renewMany: 'The same for up to 1,000 jobs; each job is answered on its own.',
  complete: 'Ends an attempt: the job is completed.',
  fail: 'Ends an attempt: the job is retried, quarantined or failed.',
  release: 'Ends an attempt: the job goes back to the queue as if it had not been picked up.',
  finishMany: 'Ends up to 1,000 attempts, each with its `action`; each job is answered on its own.',
  cancel: 'Ends a queued job, or asks a running job to end.',
  controlQueue: 'Pauses, drains or resumes a queue.',
  queueStatus: 'Whether a queue is paused or drains.',
  stoppedQueues: 'All queues that are paused or drain, since when, and why.',
  staleQueues:
    'The queues that hold expired leases: how many, and when the first of them expired. `X-Complete` is `false` where more than 50,000 leases have expired, so that counts are too low.',
  setSlaPolicy:
    'Sets how long a job of a group may wait and run. A limit that is not sent is no limit, whatever it was before.',
  deleteSlaPolicy: 'Takes the limits of a group away; 404 for a group that has none. The input is a body of JSON.',
  listSlaPolicies: 'The limits of the groups, by domain, queue and job type.',
  listSlaBreaches:
    'The queued and running jobs that are over a limit of their group, the oldest first. The header `Link` has the next page. `X-Complete` is `false` where more than 50,000 jobs of groups with limits are running, or more than 10,000 groups have limits.',
  events:
    'Events in the order of their ids. 410 `events_expired` where events after `after_id` have been deleted because their term was over, and `events_reset` for an id that the log has not given out.',
  checkCounts: 'Compares the counts behind the stats with the jobs, and sets right what is wrong.',
  idleIndexes: 'Indexes of `jobs`, made by other programs, that cost each write and serve nothing.',
  storage: 'The size of the jobs and of their history.',
}

const all: Record<Name, Endpoint> = endpoints

const isName = (name: string): name is Name => name in about
const names = Object.keys(about).filter(isName)

/** Every call of the HTTP API, with the fields of its input. */
export function httpApiPage(): string {
  const sections = names.map(section)
  const unused = unusedMeanings()
  if (unused.length > 0)
    throw new Error(`scripts/docs/field-meanings.ts has fields of no endpoint: ${unused.join(', ')}`)
  return page('HTTP API', intro, overview(), headerPart, detachedPart, ...sections, statsStreamPart, streamPart, probes)
}

const intro = `All paths are below the root of the server. Bodies are JSON in UTF-8, names are in snake_case, times are ISO 8601 in
UTC. A caller sends \`X-API-KEY: <key>\` or, on a server in multi-user mode, \`Authorization: Bearer <token>\`.
[Errors](errors.md) lists the error codes that any call can answer. Unknown fields are refused, as is a query beside a body.
A scope field (\`domain\`, \`queue\`, \`job_type\`) that is null or blank is absent.`

const headerPart = `## Headers

| header | meaning |
| --- | --- |
| \`X-Confirm\` | \`true\`, \`1\`, \`yes\` or \`on\`: needed by each call that the table above calls destructive, unless it is a dry run |
| \`X-Reason\` | why, up to 500 characters; kept with the record of a bulk change |
| \`Idempotency-Key\` | bulk changes: the same key and body from the same caller is answered as the first time, and changes nothing again |
| \`X-Request-Id\` | the caller's own id of the call; each answer has it, or a new id |
| \`Accept: application/x-ndjson\` | bulk changes: the answer is a stream of \`{"progress": …}\` lines that ends with \`{"result": …}\` or \`{"error": …}\` |
| \`Prefer: respond-async\` | bulk changes: the answer is a 202 before the change has ended, and [the change goes on without its caller](#changes-without-their-callers) |`

const detachedPart = `## Changes without their callers

A bulk change with \`Prefer: respond-async\` is checked as any other: confirmation, input, preview token, \`max\`, and whether another
change of its kind runs in its scope. What is refused is answered as ever, and a dry run is answered with its preview. Then the answer is
202, with \`Preference-Applied: respond-async\`, \`Location: ${endpoints.getOperation.path}\`, and

| field | meaning |
| --- | --- |
| \`operation_id\` | the id of the operation, whose record and progress any server has |
| \`kind\` | what the operation does, such as \`prune\` |
| \`state\` | \`running\`; another state where the request was sent before with the same \`Idempotency-Key\`, and has ended since |
| \`previewed\` | the count of the preview that the change is bound to; null without a preview |
| \`as_of\` | the reference time of its filters |

The change goes on whatever becomes of the caller and of the server. The last line of
\`${endpoints.followOperation.path}\` is its answer. The same request with the same \`Idempotency-Key\` gets the same operation again;
without \`Prefer\` it gets the answer, once the operation has ended. A server of version 0.1.0 ignores the preference and answers 200 when the
change has ended.`

const streamPart = `## GET ${endpoints.eventStream.path}

The same events as server-sent events, from \`after_id\`, or after the \`Last-Event-ID\` of a stream that broke off. The stream
says something at least every ten seconds. Instead of 410 it sends a message \`expired\` or \`reset\`, and goes on. Input: \`after_id\`, \`domain\`, \`queue\`, \`job_type\`, as of the events above.`

const statsStreamPart = `## GET ${endpoints.statsStream.path}

The stats as server-sent events, at most one message a second. Input: \`domain\`, \`queue\`, \`job_type\`, as of the stats. A stream
begins with a message \`full\`, with or without \`Last-Event-ID\`, and goes on with messages \`changes\`, which have whole groups, but
only those that have changed. Where nothing changes the stream sends a comment every ten seconds. All readers share one read of the
database a second. A stream ends when the server stops, when the credentials do not hold any more, when the database fails, and when
its reader takes nothing for 30 seconds.

| field | meaning |
| --- | --- |
| \`as_of\` | the time of the counts |
| \`groups\` | the fields of the stats, and the fields below |
| \`groups[].oldest_due\` | since when the job that has waited longest could run; null where no job waits |
| \`groups[].entered\` | jobs that came in or came back, by the event log, since the server began to count |
| \`groups[].ended\` | jobs that were completed, failed, cancelled or quarantined, by the event log |
| \`groups[].untold\` | jobs that came or went without an event. While it grows, \`entered\` and \`ended\` do not tell all |
| \`gone\` | groups that have no jobs any more |
| \`stopped\` | all stopped queues, as \`${endpoints.stoppedQueues.path}\` answers them; absent where they are the same as before |
| \`operations\` | the running bulk changes, at most 100; absent where they are the same as before |

A rate is the difference of \`entered\`, or of \`ended\`, between two messages of one stream. After a message \`full\` the counters may
be lower than before, since another server may count.`

const probes = `## GET /healthz and GET /readyz

Without credentials. \`/healthz\` is 200 while the process is up. \`/readyz\` is 200 while the database is reached, is no replica
and has its tables, else 503.`

const isDestructive = ({ bulk, unconfirmed }: Endpoint): boolean => bulk === true && unconfirmed !== true

/** A GET reads; a POST without confirmation is a step of a worker, or acts on one thing that is named. */
const kindOf = (endpoint: Endpoint): string => {
  if (endpoint.method === 'GET') return 'reads'
  return isDestructive(endpoint) ? 'destructive' : 'changes'
}

const overview = (): string =>
  table(
    ['call', 'kind', 'what the call does'],
    names.map((name) => {
      const endpoint = all[name]
      return [`[${code(titleOf(endpoint))}](#${anchorOf(titleOf(endpoint))})`, kindOf(endpoint), about[name]]
    }),
  )

const titleOf = ({ method, path }: Endpoint): string => `${method} ${path}`

/** As GitHub makes anchors of headings. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

function section(name: Name): string {
  const endpoint = all[name]
  const { aliases = [], input } = endpoint
  return [
    `## ${titleOf(endpoint)}`,
    about[name],
    ...aliases.map((path) => `The same call at ${code(path)}.`),
    ...(isDestructive(endpoint) ? ['Destructive: without `dry_run` the call needs `X-Confirm: true`.'] : []),
    ...inputPart(name, input),
  ].join('\n\n')
}

function inputPart(name: Name, input: z.ZodType): string[] {
  if (fieldsOf(input).length === 0) return ['No input.']
  const items = itemsOf(input)
  const actionOf = (item: z.ZodType) => fieldsOf(item).find((field) => field.name === 'action')?.type ?? ''
  const which = (item: z.ZodType) => (items.length > 1 ? ` with the action ${actionOf(item)}` : '')
  return [
    fieldTable(name, input),
    ...items.flatMap((item) => [`Each of \`jobs\`${which(item)}:`, fieldTable(name, item)]),
  ]
}

function fieldTable(name: Name, input: z.ZodType): string {
  const { path, query = [] } = all[name]
  const fields = fieldsOf(input)
  const others = fields.map((field) => field.name)
  const isInPath = (field: Field) => field.type === 'text' && path.includes(`:${field.name}`)
  return table(
    ['field', 'type', 'default', 'meaning'],
    fields.map((field) => [
      code(field.name),
      isInPath(field) ? 'integer, in the path' : `${field.type}${query.includes(field.name) ? ', in the query' : ''}`,
      field.required ? '(needed)' : code(field.preset),
      meaningOf(name, field.name, others),
    ]),
  )
}
