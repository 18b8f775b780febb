import { restoreDigits } from '../../sdk/call/exact-json.ts'
import { Failure } from '../../shared/errors.ts'
import type { ShownJob } from '../../shared/jobs/show.ts'
import { escapedJson } from '../../shared/text/escape.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Column } from '../output/table.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { jobIdOf } from '../settings/job-id.ts'
import { staleFlag, withStaleReads } from '../stale-reads.ts'
import { isoTime } from '../text/times.ts'
import { openPage, webFlag } from '../web-page.ts'

interface ShowFlags {
  domain?: string
  payload?: boolean
  result?: boolean
  raw?: boolean
  staleOk?: boolean
  web?: boolean
}

export const show: CommandSpec<ShowFlags> = {
  name: 'show',
  group: 'READ',
  summary: 'one job: state, times, error, payload, events',
  about:
    'Shows one job, by its id or its uuid, with all that belongs to it, also from the archive. Values that look secret are masked; --raw shows them.',
  examples: ['jobsctl show 8123', 'jobsctl show 8123 --payload', 'jobsctl show 8123 --json --raw'],
  operands: '<id>',
  fleet: true,
  flags: [
    { flags: '--domain <name>', about: 'only if the job is in this domain', group: 'WHICH JOBS' },
    ...flagsIn('HOW', {
      '--payload': 'print the payload alone, whole',
      '--result': 'print the result alone, whole',
      '--raw': 'do not mask values that look secret',
    }),
    staleFlag,
    webFlag,
  ],
  rows: (_operands, { payload, result, web }: ShowFlags) => (payload || result || web ? undefined : 'fields'),
  async run(caller, flags, [word = '']) {
    const { context, tell } = withStaleReads(caller, flags.staleOk)
    const { showJob: endpoint } = await import('../../shared/jobs/show.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const { print } = context
    if (flags.payload && flags.result) throw new Failure('usage', '--payload and --result exclude each other')
    if (flags.raw && flags.staleOk)
      throw new Failure('usage', '--raw and --stale-ok exclude each other; nothing was sent', {
        hint: 'what is shown without the mask is noted at the primary, and so is read there',
      })
    const id = jobIdOf(word, 'jobsctl show 8123; jobsctl list has the ids')
    const request = { id, domain: flags.domain, redact: !flags.raw }
    parseInput(endpoint.input, request)
    if (flags.web) return openPage(context, `/jobs/${encodeURIComponent(id)}`)
    const answer = await answerOf(context, endpoint, request)
    if (!answer) return 'ok'
    const { body, raw } = answer
    const fields = new Map(Object.entries(raw ?? {}))
    const wanted = flags.payload ? 'payload' : flags.result ? 'result' : undefined
    if (wanted && body.hidden?.includes(wanted))
      throw new Failure('forbidden', `the ${wanted} is ${notShown}`, { hint: hiddenHint })
    if (flags.payload || flags.result) print.json(fields.get(flags.payload ? 'payload' : 'result') ?? null)
    else await printJob(context, { body, raw, fields, domain: flags.domain })
    if (!flags.raw && body.lease_fingerprint === undefined && print.forPeople) {
      print.aside('\nnote: this server masks no values that look secret')
    }
    if (body.hidden && print.forPeople) print.aside(`\nnote: ${body.hidden.join(', ')}: ${notShown}`)
    tell()
    return 'ok'
  },
}

const notShown = 'hidden or folded, since this token lacks the right "payloads"'
const hiddenHint = 'a token with the role operator or admin sees it'

interface Found {
  body: ShownJob
  raw: unknown
  fields: ReadonlyMap<string, unknown>
  /** The domain that was asked for. */
  domain: string | undefined
}

async function printJob(context: Context, { body, raw, fields, domain }: Found): Promise<void> {
  const { print } = context
  if (print.asScreen) {
    const { jobScreen } = await import('./show/screen.ts')
    const values = { payload: fields.get('payload'), result: fields.get('result') }
    return print.result(jobScreen(body, values, { ...context, domain }))
  }
  print.rows({ columns, rows: [...fields], record: raw, json: raw, empty: '' })
}

/** TSV: one line for each field of the API, and its value. */
const columns: Column<[string, unknown]>[] = [
  { title: 'field', value: ([name]) => name },
  { title: 'value', value: ([name, value]) => valueText(name, value) },
]

/** Another server sends the texts that prove who holds a job; nobody but the worker needs them. */
const proofs = ['lease_id', 'completion_token']

function valueText(name: string, value: unknown): string {
  if (value === null || value === undefined || proofs.includes(name)) return ''
  if (name === 'payload' || name === 'result' || typeof value !== 'string')
    return restoreDigits(escapedJson(JSON.stringify(value)))
  return name.endsWith('_at') || name === 'leased_until' ? isoTime(value) : value
}
