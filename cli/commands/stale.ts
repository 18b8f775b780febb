import type { StaleQueue } from '../../shared/queues/stale.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec } from '../context.ts'
import { noteUnknownScope } from '../guard/known-scope.ts'
import { queueColumn } from '../output/queue-column.ts'
import type { Column } from '../output/table.ts'
import {
  allFlag,
  describeAnyOf,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeWords,
} from '../settings/flags/scope-flags.ts'
import { groupedDigits, jobsText, sumOf } from '../text/numbers.ts'
import { isoTime } from '../text/times.ts'

export const stale: CommandSpec<ScopeFlags> = {
  name: 'stale',
  group: 'READ',
  summary: 'queues that hold expired leases',
  about:
    'Counts running jobs whose lease has expired, by domain and queue, and says when the first of these leases expired. Such a job runs again when a worker asks its queue for work.',
  examples: ['jobsctl stale', 'jobsctl stale --domain chatbooks', 'jobsctl stale --json'],
  flags: [...scopeFlags, allFlag],
  rows: () => columns,
  async run(context, flags) {
    const { staleQueues: endpoint } = await import('../../shared/queues/stale.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const { print, another } = context
    const scope = parseInput(endpoint.input, scopeOf(flags))
    const answer = await answerOf(context, endpoint, scope)
    if (!answer) return 'ok'
    const { body, raw, header } = answer
    const isComplete = header('x-complete') !== 'false'
    const empty = isComplete ? `no lease in ${describeAnyOf(scope)} has expired` : 'no expired lease was found so far'
    print.rows({ columns, forPeople, rows: body, json: raw, empty })
    if (!isComplete) print.aside(incomplete(header('x-scanned')))
    if (print.forPeople && body.length === 0 && isComplete) await noteUnknownScope(context, scope)
    if (print.forPeople && body.length > 0) {
      const total = `${isComplete ? '' : 'at least '}${jobsText(sumOf(body.map(({ count }) => count)))}`
      print.aside(`\n${total} with an expired lease: ${another(['list', '--stale', ...scopeWords(scope)])}`)
    }
    return 'ok'
  },
}

/** The note of an answer whose counts are too low. */
const incomplete = (scanned: string | undefined): string =>
  `note: the server read ${groupedDigits(Number(scanned ?? 0))} expired leases and stopped, so there are more than these`

const count: Column<StaleQueue> = { title: 'count', value: ({ count }) => count }

const columns: Column<StaleQueue>[] = [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  count,
  { title: 'oldest', value: ({ oldest }) => isoTime(oldest ?? '') },
  { title: 'at_least', value: ({ at_least }) => (at_least ? 'true' : '') },
]

const forPeople: Column<StaleQueue>[] = [
  queueColumn,
  {
    title: 'jobs',
    value: ({ count, at_least }) => (at_least ? `at least ${groupedDigits(count)}` : count),
    gives: 'never',
  },
  { title: 'expired', value: ({ oldest }) => (oldest ? ago(oldest) : 'no end'), gives: 'never' },
]
