import type { z } from 'zod'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import type { Reason } from '../../shared/explain/reason.ts'
import { escaped } from '../../shared/text/escape.ts'
import { flagWords } from '../../shared/text/shell.ts'
import { isUuid, keyParts } from '../../shared/work/job-key.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import { isTypedId, jobIdOf } from '../settings/job-id.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { clockHeading, readerZone } from '../text/clock.ts'
import { wrapped } from '../text/wrap.ts'
import { openPage, webFlag } from '../web-page.ts'

interface ExplainFlags {
  domain?: string
  at?: string
  web?: boolean
}

const example = 'jobsctl explain 8123, or jobsctl explain media/ingest'

export const explain: CommandSpec<ExplainFlags> = {
  name: 'explain',
  group: 'READ',
  summary: 'why a job, or nothing of a queue, is running',
  about:
    'Tells every reason at once why a job does not run, or why nothing of a queue does, each with the command that removes it, and the place of the job in line. A queue needs no domain where the server has one, or where one domain alone has such a queue. --at explains a queue as it was: whether it was stopped and by whom, how many jobs were due and running, and for how long the oldest had waited at least.',
  examples: [
    'jobsctl explain 8123',
    'jobsctl explain media/ingest',
    'jobsctl explain media/ingest --at 2h',
    'jobsctl explain 8123 --json',
  ],
  operands: '<id|domain/queue>',
  flags: [
    {
      flags: '--domain <name>',
      about: 'only if the job, or the queue without its domain, is in this domain',
      group: 'WHICH JOBS',
    },
    {
      flags: '--at <time>',
      about: 'the queue as it was at 03:12, at a time of ISO 8601, 2h ago, or at mark:<text>',
      group: 'HOW',
      time: 'past',
    },
    webFlag,
  ],
  rows: (_operands, { web }: ExplainFlags) => (web ? undefined : columns),
  async run(context, flags, [word = '']) {
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    if (flags.at !== undefined && flags.web)
      throw new Failure('usage', '--at and --web exclude each other: the page is that of now')
    const past = flags.at === undefined ? {} : { at: flags.at }
    // A queue may have any name; one that is a uuid is an engine's job by its key.
    if (word.includes('/') && !isUuid(keyParts(word)?.id ?? '')) {
      if (flags.domain !== undefined) return asJobOf(context, word, flags)
      const { explainQueue } = await import('../../shared/explain/queue.ts')
      const queue = await queueNamed(context, word, example)
      if (flags.web) return openPage(context, '/queue', queue)
      const printed = print(context, explainQueue, { ...queue, ...past })
      return flags.at === undefined ? printed.catch((error: unknown) => asJob(context, word, error)) : printed
    }
    const queue = await queueWithoutDomain(context, word, flags.domain)
    if (queue) {
      const { explainQueue } = await import('../../shared/explain/queue.ts')
      const request = { ...queue, ...past }
      parseInput(explainQueue.input, request)
      if (flags.web) return openPage(context, '/queue', queue)
      return print(context, explainQueue, request)
    }
    if (flags.at !== undefined)
      throw new Failure('usage', '--at is for a queue: nothing keeps how a job was', {
        hint: `the job as it is, with its last steps: ${context.another(['show', word])}`,
      })
    const { explainJob } = await import('../../shared/explain/job.ts')
    const request = { id: jobIdOf(word, example), domain: flags.domain }
    parseInput(explainJob.input, request)
    if (flags.web) return openPage(context, `/jobs/${encodeURIComponent(request.id)}`)
    return print(context, explainJob, request)
  },
}

/**
 * The queue of a word that is no id. Without the answer of a server, such as with `--curl`, no word alone names a queue.
 * @throws Failure `usage` for a name that queues of several domains have
 */
async function queueWithoutDomain(context: Context, word: string, domain: string | undefined) {
  if (isTypedId(word) || word.trim() === '' || context.settings.curl) return undefined
  const { namesText, queuesNamed } = await import('../settings/bare-queue.ts')
  const { served, known } = await queuesNamed(context, word, domain)
  const [first, ...others] = known
  if (served || others.length === 0) return served ?? first
  const operand = word.startsWith('-') ? ['--', word] : [word]
  const lines = known.map(({ domain }) => context.another(['explain', ...flagWords('--domain', domain), ...operand]))
  throw new Failure('usage', `<domain>/<queue>: ${known.length} domains have a queue ${escaped(word)}`, {
    hint: namesText(lines),
  })
}

/** The key of a job of another engine may read as a queue. The queue is asked for first, and its failure is that of both. */
async function asJob(context: Context, word: string, failure: unknown): Promise<Ending> {
  if (!(failure instanceof Failure) || failure.code !== 'not_found') throw failure
  const { explainJob } = await import('../../shared/explain/job.ts')
  return print(context, explainJob, { id: jobIdOf(word, example) }).catch((other: unknown) =>
    // Jobs of several domains have the key: there is one to choose.
    Promise.reject(other instanceof Failure && other.code === 'not_supported' ? other : failure),
  )
}

/** With a domain beside it, a word with a slash is the key of a job: the name of a queue would have the domain twice. */
async function asJobOf(context: Context, word: string, { domain, at, web }: ExplainFlags): Promise<Ending> {
  const { explainJob } = await import('../../shared/explain/job.ts')
  if (at !== undefined || web) throw queueAndDomain()
  return print(context, explainJob, { id: jobIdOf(word, example), domain }).catch((error: unknown) =>
    Promise.reject(error instanceof Failure && error.code === 'invalid_request' ? queueAndDomain() : error),
  )
}

const queueAndDomain = (): Failure => new Failure('usage', '--domain and a queue exclude each other')

/** What the answers about a job and about a queue have in common. */
interface Explanation {
  sentence: string
  reasons: Reason[]
  place?: { sentence: string } | null
  /** The moment in the past that it is about. */
  at?: string | undefined
}

async function print<In extends z.ZodType, Out extends z.ZodType<Explanation>>(
  context: Context,
  endpoint: Endpoint<In, Out>,
  request: z.input<In>,
): Promise<Ending> {
  const { print } = context
  const answer = await answerOf(context, endpoint, request)
  if (!answer) return 'ok'
  const { body, raw } = answer
  if (print.asScreen && body.at !== undefined)
    print.aside(clockHeading(body.at, { zone: readerZone(context.io), now: Date.now() }))
  if (print.asScreen) print.result(textOf(context, body))
  else print.rows({ columns, rows: body.reasons.map((reason) => withCommand(reason, context)), json: raw, empty: '' })
  // Without a row a reader of TSV could not tell that nothing keeps the queue from an answer that was lost.
  if (!print.forPeople && !print.structured && body.reasons.length === 0) print.aside(`note: ${escaped(body.sentence)}`)
  return 'ok'
}

/** The sentences of the server, each below its title, and beside it the command that removes the reason. */
function textOf({ print, another }: Context, { sentence, reasons, place }: Explanation): string {
  const indent = 4 + Math.max(0, ...reasons.map(({ title }) => escaped(title).length))
  const lines = reasons.flatMap(({ title, sentence, remedy }) => {
    const words = wrapped(escaped(sentence), print.width - indent)
    const call = remedy && callText(remedy, another)
    return [
      ...words.map((line, at) => `${`  ${at === 0 ? escaped(title) : ''}`.padEnd(indent)}${line}`),
      ...(call ? [`${' '.repeat(indent)}${print.style.yellow(escaped(call))}`] : []),
    ]
  })
  return [escaped(sentence), ...lines, ...(place ? [escaped(place.sentence)] : []), ''].join('\n')
}

function callText({ http, jobsctl }: NonNullable<Reason['remedy']>, another: Context['another']): string {
  return jobsctl ? another(jobsctl) : `${http.method} ${http.path} ${JSON.stringify(http.body)}`
}

/** The command line that removes a reason, at the server of this one; blank where there is none. */
const withCommand = (reason: Reason, { another }: Context) => ({
  ...reason,
  command: reason.remedy?.jobsctl ? another(reason.remedy.jobsctl) : '',
})

const columns: Column<ReturnType<typeof withCommand>>[] = [
  { title: 'code', value: ({ code }) => code },
  { title: 'sentence', value: ({ sentence }) => sentence },
  { title: 'command', value: ({ command }) => command },
  { title: 'call', value: ({ remedy }) => (remedy ? `${remedy.http.method} ${remedy.http.path}` : '') },
  { title: 'body', value: ({ remedy }) => (remedy ? JSON.stringify(remedy.http.body) : '') },
]
