import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import { columns, fieldColumns, fieldsOf, forPeople } from '../output/operation-columns.ts'
import type { Ending } from '../output/print.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, describeAnyOf, type ScopeFlags, scopeFlags, scopeOf } from '../settings/flags/scope-flags.ts'
import { groupedDigits } from '../text/numbers.ts'
import { labelledText } from '../text/wrap.ts'
import { openPage, webFlag } from '../web-page.ts'

interface OperationsFlags extends ScopeFlags {
  kind?: string
  state?: string
  since?: string
  caller?: string
  limit?: string
  until?: string
  expect?: string
  web?: boolean
}

export const operations: CommandSpec<OperationsFlags> = {
  name: 'operations',
  group: 'ADMIN',
  summary: 'what was changed, by whom, why',
  about:
    'Lists the bulk changes and the other acts of operators and admins, such as a pause, a hold or a new token, the newest first; --kind changes or acts lists only these. With an id, shows one record, and the present states of its jobs. With verify, checks that no record was altered or removed. export writes the sealed records of a time for somebody who verifies them without the server, a line of JSON each. follow shows the progress of a running change to its end, and stop ends it after its batch, whichever server runs it. keep prolongs the time in which a change can be undone.',
  examples: [
    'jobsctl operations --domain chatbooks --kind prune',
    'jobsctl operations --kind acts --since 7d',
    'jobsctl operations 17',
    'jobsctl operations stop 17 --reason "the replica lags"',
    'jobsctl operations keep 17 --until 30d',
    'jobsctl operations export --since 30d > records.ndjson',
    'jobsctl operations verify || notify "the records of jobs were altered"',
    'jobsctl operations verify --expect "$(cat kept-hash)"',
  ],
  operands: '[id|verify|export|follow|stop|keep] [id]',
  fleet: true,
  flags: [
    ...scopeFlags,
    allFlag,
    ...flagsIn('HOW', {
      '--kind <kind>': 'prune, undo, token.revoked and so on; or changes, or acts',
      '--state <state>': 'running, done, partial, failed or undone',
      '--since <time>': { about: 'begun at this time or later, since 2h ago, or since mark:<text>', time: 'past' },
      '--caller <id>': 'made by this caller, as the list names it',
      '--limit <n>': 'at most this many (default: 50)',
      '--until <time>': {
        about: 'with keep: until then, or 30d from now; with export: ended before',
        time: ([word]) => (word === 'export' ? 'past' : 'future'),
      },
      '--expect <hash>': 'with verify: a hash kept elsewhere, which must still be there',
    }),
    webFlag,
  ],
  rows: ([word], { web }: OperationsFlags) =>
    web ? undefined : word === undefined ? columns : /^\d/.test(word) ? 'fields' : undefined,
  async run(context, { expect, until, web, ...flags }, [word, id]) {
    if (expect !== undefined && word !== 'verify') throw new Failure('usage', '--expect needs verify')
    if (word === 'export') {
      if (id !== undefined) throw new Failure('usage', 'operations export takes no id: it is of a time')
      const { exportRecords } = await import('./operations/export.ts')
      const { since, ...others } = flags
      refuseSelection(word, others)
      return exportRecords(context, { since, until })
    }
    if (until !== undefined && word !== 'keep') throw new Failure('usage', '--until needs keep or export')
    if (web && word !== undefined && !isId(word))
      throw new Failure('usage', `--web does not go with operations ${word}`)
    if (word === undefined) return list(context, flags, web)
    refuseSelection(word, flags)
    if (web) return openPage(context, `/operations/${word}`)
    if (word === 'verify') return (await import('./operations/verify.ts')).verifyRecords(context, expect)
    if (word === 'follow' || word === 'stop') {
      const { followOperation, stopOperation } = await import('./operations/course.ts')
      return (word === 'follow' ? followOperation : stopOperation)(context, idOf(id, word))
    }
    if (word === 'keep') return (await import('./operations/keep.ts')).keepOperation(context, idOf(id, word), until)
    if (isId(word)) return show(context, word)
    throw new Failure('usage', `${word} is neither the id of an operation nor verify, export, follow, stop or keep`, {
      hint: 'ids are whole numbers, such as 17; jobsctl operations lists them',
    })
  },
}

const isId = (word: string): boolean => /^[1-9]\d{0,15}$/.test(word)

/** @throws Failure `usage` */
function refuseSelection(word: string, flags: OperationsFlags): void {
  if (Object.keys(flags).length > 0)
    throw new Failure('usage', `${word} and flags that select operations exclude each other`)
}

/** @throws Failure `usage` */
function idOf(id: string | undefined, word: string): string {
  if (id !== undefined && isId(id)) return id
  throw new Failure('usage', `operations ${word} needs the id of an operation, such as 17`, {
    hint:
      word === 'keep'
        ? 'jobsctl operations lists them'
        : 'jobsctl operations --state running lists the changes that run',
  })
}

async function list(
  context: Context,
  { kind, state, since, caller, limit, ...flags }: OperationsFlags,
  web = false,
): Promise<Ending> {
  const { listOperations: endpoint } = await import('../../shared/records/records.ts')
  const { parseInput } = await import('../settings/flags/flag-errors.ts')
  const scope = scopeOf(flags)
  if (caller?.trim() === '') throw new Failure('usage', '--caller: must not be blank; leave it out to mean all')
  const checked = parseInput(endpoint.input, { ...scope, kind, state, since, caller, limit })
  if (web && (since ?? limit) !== undefined)
    throw new Failure('usage', '--web: the page takes neither --since nor --limit')
  if (web) return openPage(context, '/operations', { ...scope, kind, state, caller })
  const { before_id: _, ...given } = checked
  const narrowed = { ...given, limit }
  const answer = await answerOf(context, endpoint, narrowed)
  if (!answer) return 'ok'
  const { body, raw } = answer
  context.print.rows({ columns, forPeople, rows: body, json: raw, empty: `no operations in ${describeAnyOf(scope)}` })
  const last = body.at(-1)
  if (last && body.length >= checked.limit) {
    const older = { ...narrowed, before_id: String(last.id), limit: '1' }
    // The records that were asked for are printed: an answer that fails ends nothing.
    const next = await (await context.client()).call(endpoint, older).catch(() => undefined)
    if (next && next.body.length > 0) context.print.aside(restText(body.length))
  }
  return 'ok'
}

const mostListed = 1000

/** The note of a list that ends before the records do. */
const restText = (count: number): string =>
  `note: the newest ${groupedDigits(count)} records; more match: ${count < mostListed ? `raise --limit (${mostListed} at most)` : 'narrow the list by --since, --kind or --domain'}`

async function show(context: Context, id: string): Promise<Ending> {
  const { getOperation: endpoint } = await import('../../shared/records/records.ts')
  const answer = await answerOf(context, endpoint, { id })
  if (!answer) return 'ok'
  const { print } = context
  const rows = fieldsOf(answer.body)
  if (print.asScreen) {
    print.result(
      labelledText(
        rows.map(({ field, value }) => [field, escaped(value)] as const),
        print.width,
      ),
    )
  } else print.rows({ columns: fieldColumns, rows, record: answer.raw, json: answer.raw, empty: '' })
  return 'ok'
}
