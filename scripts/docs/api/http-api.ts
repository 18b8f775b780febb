import type * as z from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { returnMinimal } from '../../../shared/headers.ts'
import { answerPart, typesPart } from '../answers.ts'
import { code, page, table } from '../markdown.ts'
import { all, meaningOf, minimalMeaning, names } from './calls.ts'
import { type Field, fieldsOf, itemsOf } from './fields.ts'

const titleOf = ({ method, path }: Endpoint): string => `${method} ${path}`

/** Every call of the HTTP API, with the fields that it takes and those of its answer. */
export function httpApiPage(): string {
  const sections = names.map(section)
  return page(
    'HTTP API',
    intro,
    overview(),
    headerPart,
    detachedPart,
    ...sections,
    statsStreamPart,
    streamPart,
    probes,
    typesIntro,
    ...typesPart(),
  )
}

const intro = `All paths are below the root of the server. Bodies are JSON in UTF-8, names are in snake_case, times are ISO 8601 in
UTC. A caller sends \`X-API-KEY: <key>\` or, on a server in multi-user mode, \`Authorization: Bearer <token>\`.
[Errors](errors.md) lists the error codes that any call can answer; a token needs the [right](rights.md) of the call, else the
answer is 403 \`forbidden\`. Unknown fields are refused, as is a query beside a body.
A scope field (\`domain\`, \`queue\`, \`job_type\`) that is null or blank is absent.`

/** The calls with a small response. */
const minimalCalls = names
  .filter((name) => all[name].minimal)
  .map((name) => `\`${titleOf(all[name])}\``)
  .join(', ')

const headerPart = `## Headers

| header | meaning |
| --- | --- |
| \`X-Confirm\` | \`true\`, \`1\`, \`yes\` or \`on\`: needed by each call that the table above calls destructive, unless it is a dry run |
| \`X-Reason\` | why, up to 500 characters; kept with the record of a bulk change |
| \`Idempotency-Key\` | bulk changes: the same key and body from the same caller is answered as the first time, and changes nothing again |
| \`X-Request-Id\` | the caller's own id of the call; each answer has it, or a new id |
| \`X-Stale-Ok\` | \`true\` takes an answer of a few seconds ago: a list, or a job with its mask, may then be read at [a replica](../deploy/replicas.md) |
| \`X-Read-From\`, \`X-As-Of\` | of answers that a replica may give: \`primary\` or \`replica\`, and a time before which everything that was committed is in the answer |
| \`Accept: application/x-ndjson\` | bulk changes: the answer is a stream of \`{"progress": …}\` lines that ends with \`{"result": …}\` or \`{"error": …}\` |
| \`Prefer: respond-async\` | bulk changes: the answer is a 202 before the change has ended, and [the change goes on without its caller](#changes-without-their-callers) |
| \`Prefer: ${returnMinimal}\` | ${minimalCalls}: ${minimalMeaning} |`

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
says something at least every ten seconds, and ends when a piece of 64 kB waits for its reader for 30 seconds. Instead of 410 it
sends a message \`expired\` or \`reset\`, and goes on. Input: \`after_id\`, \`domain\`, \`queue\`, \`job_type\`, as of the events above.`

const mostMeaning = fieldsOf(endpoints.statsStream.input).find(({ name }) => name === 'most')?.meaning

const statsStreamPart = `## GET ${endpoints.statsStream.path}

The stats as server-sent events, at most one message a second. Input: \`domain\`, \`queue\`, \`job_type\`, as of the stats, and \`most\`:
${meaningOf('statsStream.most', mostMeaning)}; \`job_type\`, or \`queue\` and \`job_type\`, of a sum are empty. A stream
begins with a message \`full\`, with or without \`Last-Event-ID\`, and goes on with messages \`changes\`, which have whole groups, but
only those that have changed. Where nothing changes the stream sends a comment every ten seconds. All readers share one read of the
database a second. A stream ends when the server stops, when the credentials do not hold any more, when the database fails, and when
a piece of 64 kB waits for its reader for 30 seconds.

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
| \`level\` | what a group is: \`job_type\`, or the sums of a \`queue\` or of a \`domain\`; absent without \`most\` |

A rate is the difference of \`entered\`, or of \`ended\`, between two messages of one stream. After a message \`full\` the counters may
be lower than before, since another server may count.`

const probes = `## GET /healthz, GET /readyz and GET /openapi.json

Without credentials. \`/openapi.json\` is this page for programs, in OpenAPI 3.1. \`/healthz\` is 200 while the process is up.
\`/readyz\` is 200 while the database is reached, is no replica and has its tables, else 503. \`frozen\` is true in it while changes are
refused, and \`cloned\` while nobody has said what a copied database is.

## GET /metrics and GET /metrics/jobs

In the text format of Prometheus, where metrics are on, else 404. [Metrics](../observe/README.md) has every metric and says who may read
them.`

const typesIntro = `## Types

What several answers have in common. A field without "may be absent" is in every answer of this version. An answer may have further fields, and a
field that names a few words further words, in a later version. The id of a job is an integer; of a job of [another engine](../engines/README.md) it is a
text, where the type says so.`

const isDestructive = ({ bulk, unconfirmed }: Endpoint): boolean => bulk === true && unconfirmed !== true

/**
 * A GET reads, as does a POST that keeps a secret out of its URL. Another POST without confirmation is a step of a worker, or acts on one
 * thing that is named.
 */
const kindOf = (endpoint: Endpoint): string => {
  if (endpoint.method === 'GET') return 'reads'
  if (isDestructive(endpoint)) return 'destructive'
  return endpoint.bulk || endpoint.changes({}) ? 'changes' : 'reads'
}

const overview = (): string =>
  table(
    ['call', 'kind', 'right', 'what the call does'],
    names.map((name) => {
      const endpoint = all[name]
      return [
        `[${code(titleOf(endpoint))}](#${anchorOf(titleOf(endpoint))})`,
        kindOf(endpoint),
        code(endpoint.needs),
        meaningOf(name, endpoint.meaning),
      ]
    }),
  )

/** As GitHub makes anchors of headings. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

function section(name: EndpointName): string {
  const endpoint = all[name]
  const { aliases = [], keyed, input } = endpoint
  return [
    `## ${titleOf(endpoint)}`,
    meaningOf(name, endpoint.meaning),
    ...aliases.map((path) =>
      path === keyed
        ? `The same call at ${code(`${path}?key=`)}, where \`key\` is the id, the uuid or the key of the job.`
        : `The same call at ${code(path)}.`,
    ),
    ...(isDestructive(endpoint) ? ['Destructive: without `dry_run` the call needs `X-Confirm: true`.'] : []),
    ...inputPart(name, input),
    ...answerPart(name),
    `In [\`jobsctl/client\`](../workers/packages.md#the-client): \`${name}\`.`,
  ].join('\n\n')
}

function inputPart(name: EndpointName, input: z.ZodType): string[] {
  if (fieldsOf(input).length === 0) return ['No input.']
  const items = itemsOf(input)
  const actionOf = (item: z.ZodType) => fieldsOf(item).find((field) => field.name === 'action')?.type ?? ''
  const which = (item: z.ZodType) => (items.length > 1 ? ` with the action ${actionOf(item)}` : '')
  return [
    fieldTable(name, input),
    ...items.flatMap(({ list, item }) => [`Each of \`${list}\`${which(item)}:`, fieldTable(name, item)]),
  ]
}

function fieldTable(name: EndpointName, input: z.ZodType): string {
  const { path, query = [] } = all[name]
  const fields = fieldsOf(input)
  const isInPath = (field: Field) => field.type === 'text' && path.includes(`:${field.name}`)
  return table(
    ['field', 'type', 'default', 'meaning'],
    fields.map((field) => [
      code(field.name),
      isInPath(field) ? 'integer, in the path' : `${field.type}${query.includes(field.name) ? ', in the query' : ''}`,
      field.required ? '(needed)' : code(field.preset),
      meaningOf(`${name}.${field.name}`, field.meaning),
    ]),
  )
}
