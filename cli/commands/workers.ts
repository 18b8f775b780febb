import { mostOfWorkers } from '../../shared/queues/most-of-workers.ts'
import type { WorkerRow } from '../../shared/queues/workers.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec } from '../context.ts'
import { bareQueueName, queueName } from '../output/queue-column.ts'
import type { Column } from '../output/table.ts'
import { flagsIn, watchFlag } from '../settings/flags/flag.ts'
import { describeAnyOf, scopeOf, scopeWords } from '../settings/flags/scope-flags.ts'
import { groupedDigits, jobsText, sumOf, throttleText } from '../text/numbers.ts'
import { lackingFilters } from '../text/scope-text.ts'
import { isoTime } from '../text/times.ts'

interface WorkersFlags {
  domain?: string
  queue?: string
  watch?: boolean
}

const group = 'WHICH JOBS'

export const workers: CommandSpec<WorkersFlags> = {
  name: 'workers',
  group: 'READ',
  summary: 'who holds what, and who asks',
  about:
    'Lists the workers that hold jobs, that ended some in the last 15 minutes, or that asked the server for some in the last hour, those with the most running jobs first.',
  examples: [
    'jobsctl workers',
    'jobsctl workers --domain chatbooks --queue default',
    'jobsctl workers --watch',
    'jobsctl workers --json',
  ],
  fleet: true,
  flags: [
    ...flagsIn(group, {
      '--domain <name>': 'workers of this domain',
      '--queue <name>': 'workers of this queue',
    }),
    watchFlag,
  ],
  rows: () => columns,
  async run(context, flags) {
    const { listWorkers: endpoint } = await import('../../shared/queues/workers.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const { print, another } = context
    const scope = parseInput(endpoint.input, scopeOf(flags))
    if (flags.watch && !context.settings.curl) {
      const { watch } = await import('../watch.ts')
      return watch<WorkerRow>(context, async (client) => {
        const { body, header } = await client.call(endpoint, scope)
        return {
          ...{ rows: body, json: body, columns, more: 'more workers' },
          below: [
            '',
            ...(header('x-complete') === 'false' ? [incomplete(flags, mostOfWorkers)] : []),
            workersText(body),
          ],
          empty: `no worker was seen in ${describeAnyOf(scope)}`,
          forPeople: async (rows) => ({ rows, columns: forPeople }),
        }
      })
    }
    const answer = await answerOf(context, endpoint, scope)
    if (!answer) return 'ok'
    const { body, raw, header } = answer
    print.rows({ columns, forPeople, rows: body, json: raw, empty: `no worker was seen in ${describeAnyOf(scope)}` })
    if (header('x-complete') === 'false') print.aside(incomplete(flags, mostOfWorkers))
    const expired = sumOf(body.map(({ expired }) => expired ?? 0))
    if (print.forPeople && expired > 0) {
      print.aside(`\n${jobsText(expired)} with an expired lease: ${another(['list', '--stale', ...scopeWords(scope)])}`)
    }
    return 'ok'
  },
}

const workersText = (rows: readonly WorkerRow[]): string =>
  `${groupedDigits(rows.length)} ${rows.length === 1 ? 'worker' : 'workers'}, ${groupedDigits(sumOf(rows.map(({ leases }) => leases)))} leases`

/** The list is incomplete; its hint names the flags that are not given. */
function incomplete({ domain, queue }: WorkersFlags, { jobs, workers }: { jobs: number; workers: number }): string {
  const lacking = lackingFilters({ '--domain': domain, '--queue': queue })
  const how = lacking === '' ? '' : `; narrow the list with ${lacking}`
  return `note: the server stopped at ${groupedDigits(jobs)} jobs or ${groupedDigits(workers)} workers, so there are more than these${how}`
}

const text = (value: string | null): string => value ?? ''
const worker: Column<WorkerRow> = { title: 'worker_id', value: ({ worker_id }) => text(worker_id) }
const times = ['oldest_lease_at', 'last_asked_at', 'last_acquired_at', 'last_renewed_at'] as const

const columns: Column<WorkerRow>[] = [
  worker,
  { title: 'leases', value: ({ leases }) => leases },
  { title: 'expired', value: ({ expired }) => expired ?? '' },
  ...times.map((name): Column<WorkerRow> => ({ title: name, value: (row) => isoTime(text(row[name])) })),
  { title: 'done_15m', value: ({ done_15m }) => done_15m ?? '' },
  { title: 'failed_15m', value: ({ failed_15m }) => failed_15m ?? '' },
  { title: 'queues', value: ({ queues }) => queues.map(queueName).join(' ') },
]

const agoOrNever = (time: string | null): string => (time === null ? '-' : ago(time))

const forPeople: Column<WorkerRow>[] = [
  { title: 'worker', value: ({ worker_id }) => worker_id ?? '(without a name)', gives: 'never' },
  { title: 'leases', value: ({ leases }) => leases },
  {
    title: 'expired',
    value: ({ expired }) => expired ?? '-',
    paint: ({ expired }) => ((expired ?? 0) > 0 ? 'yellow' : undefined),
    zeros: 'drop',
  },
  { title: 'oldest', value: ({ oldest_lease_at }) => agoOrNever(oldest_lease_at), gives: 'never' },
  { title: 'asked', value: ({ last_asked_at }) => agoOrNever(last_asked_at), gives: 'never' },
  { title: 'acquired', value: ({ last_acquired_at }) => agoOrNever(last_acquired_at), gives: 'never' },
  { title: 'renewed', value: ({ last_renewed_at }) => agoOrNever(last_renewed_at), gives: 'never' },
  { title: 'done', value: ({ done_15m }) => done_15m ?? '-', zeros: 'drop' },
  {
    title: 'failed',
    value: ({ failed_15m }) => failed_15m ?? '-',
    paint: ({ failed_15m }) => ((failed_15m ?? 0) > 0 ? 'red' : undefined),
    zeros: 'drop',
  },
  {
    title: 'queues',
    value: ({ queues }) => queuesText(queues, queueName),
    bare: ({ queues }) => queuesText(queues, bareQueueName),
    gives: 'first',
  },
]

function queuesText(queues: WorkerRow['queues'], nameOf: typeof queueName): string {
  const textOf = (queue: WorkerRow['queues'][number]) =>
    queue.throttle ? `${nameOf(queue)} (throttled to ${throttleText(queue.throttle)})` : nameOf(queue)
  const names = queues.slice(0, 3).map(textOf).join(', ')
  return queues.length > 3 ? `${names} and ${groupedDigits(queues.length - 3)} more` : names
}
