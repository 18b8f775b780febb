import type { KnownAgent } from '../../../shared/access/agents.ts'
import { ago } from '../../../shared/times/time-and-size.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits, sumOf } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'

const callsOf = ({ asked }: KnownAgent): number => sumOf(asked.map(({ calls }) => calls))
const rowsOf = ({ asked }: KnownAgent): number => sumOf(asked.map(({ rows }) => rows))

const id: Column<KnownAgent> = { title: 'id', value: ({ id }) => id }
const name: Column<KnownAgent> = { title: 'name', value: ({ name }) => name, gives: 'first' }
const of: Column<KnownAgent> = { title: 'of', value: ({ of }) => of, gives: 'first' }

export const columns: Column<KnownAgent>[] = [
  ...[id, name, of],
  { title: 'by', value: ({ by }) => by },
  { title: 'client', value: ({ client }) => client ?? '' },
  { title: 'ended', value: ({ ended }) => String(ended) },
  { title: 'sessions', value: ({ sessions }) => sessions },
  { title: 'last_call_at', value: ({ last_call_at }) => (last_call_at === null ? '' : isoTime(last_call_at)) },
  { title: 'calls_today', value: callsOf },
  { title: 'rows_today', value: rowsOf },
  { title: 'tools_today', value: ({ asked }) => asked.map(({ tool, calls }) => `${tool}:${calls}`).join(' ') },
  ...(['proposed', 'waiting', 'approved', 'rejected', 'applied', 'undone'] as const).map((count) => ({
    title: count,
    value: ({ plans }: KnownAgent) => plans[count],
  })),
]

export const forPeople: Column<KnownAgent>[] = [
  id,
  name,
  of,
  { title: 'with', value: ({ client }) => client ?? '', gives: 'first' },
  { title: 'asked', value: askedText, gives: 'first' },
  { title: 'plans', value: plansText, gives: 'first' },
  {
    title: 'seen',
    value: ({ ended, last_call_at }) => (ended ? 'ended' : last_call_at === null ? 'never' : ago(last_call_at)),
    paint: ({ ended }) => (ended ? 'yellow' : undefined),
    gives: 'never',
  },
]

/** `31 calls, 1,204 rows today` */
function askedText(agent: KnownAgent): string {
  if (agent.asked.length === 0) return ''
  return `${groupedDigits(callsOf(agent))} calls, ${groupedDigits(rowsOf(agent))} rows today`
}

/** `5: 1 waits, 2 rejected, 2 applied, 1 undone` */
function plansText({ plans: { proposed, waiting, approved, rejected, applied, undone } }: KnownAgent): string {
  const parts = [
    [waiting, 'waiting'],
    [approved, 'approved'],
    [rejected, 'rejected'],
    [applied, 'applied'],
    [undone, 'undone'],
  ] as const
  const told = parts.flatMap(([count, what]) => (count > 0 ? [`${groupedDigits(count)} ${what}`] : []))
  return proposed === 0 ? '' : `${groupedDigits(proposed)}: ${told.join(', ') || 'expired'}`
}
