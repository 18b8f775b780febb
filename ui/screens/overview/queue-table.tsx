import type { ComponentChildren } from 'preact'
import type { Attention, OverviewQueue } from '../../../shared/queues/overview.ts'
import { Link } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { QueueLink } from '../../parts/queue-link.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Clock, Span } from '../../parts/times.tsx'
import { addressOf, canBeFound, query, replaceAddress } from '../../state/address.ts'
import { thatYouSee } from '../../state/session.ts'
import { Minutes } from './minutes.tsx'
import { withLater } from './tiles.tsx'

/** From this number of queues on one is looked for by a part of its name. */
const findsFrom = 10

interface TableProps {
  queues: readonly OverviewQueue[]
  attention: readonly Attention[]
  /** True for counts of the past, which have no rates. */
  isPast: boolean
}

/** One row a queue, the worst first, or by the head that the address names. */
export function QueueTable({ queues, attention, isPast }: TableProps) {
  const [domain, find = '', sort] = ['domain', 'find', 'sort'].map((name) => query.value.get(name) || undefined)
  const words = { ...Object.fromEntries(query.value) }
  const show = (fields: Record<string, string>) => replaceAddress(addressOf('/', { ...words, ...fields }))
  const ofDomain = domain === undefined ? queues : queues.filter((queue) => queue.domain === domain)
  const found = ofDomain.filter(({ domain: of, queue, types }) =>
    [of, queue, `${of}/${queue}`, ...types].some((name) => name.toLowerCase().includes(find.toLowerCase())),
  )
  const rows = sort === undefined ? found.toSorted(worstFirst) : found
  const failing = new Map(
    attention.flatMap((of) => (of.kind === 'failing' ? [[JSON.stringify([of.domain, of.queue]), of] as const] : [])),
  )
  return (
    <section class="queues" aria-label="Queues">
      <div class="bar head">
        <h2>
          {found.length.toLocaleString('en')} {found.length === 1 ? 'queue' : 'queues'}{' '}
          <span class="faint">{sort === undefined && found.length > 1 && 'worst first'}</span>
        </h2>
        {domain !== undefined && (
          <span class="chip">
            domain <Name of={domain} /> <Link to={addressOf('/', { ...words, domain: undefined })}>All domains</Link>
          </span>
        )}
        {(ofDomain.length >= findsFrom || find !== '') && (
          <label class="act">
            <span class="hidden">Find a queue</span>
            <input
              type="search"
              value={find}
              placeholder="find a queue"
              spellcheck={false}
              onInput={({ currentTarget }) => show({ find: currentTarget.value })}
            />
          </label>
        )}
      </div>
      {queues.length === 0 ? (
        <p class="empty">
          {isPast
            ? 'No counts of this moment are kept.'
            : `No job${thatYouSee()} waits or runs, and none has ended within the last minutes.`}
        </p>
      ) : (
        <Rows
          label="Counts by queue"
          rows={rows}
          columns={columnsOf({ isPast, failing, hasUnmapped: queues.some(({ unmapped }) => unmapped) })}
          keyOf={({ domain: of, queue }) => JSON.stringify([of, queue])}
          sort={sort}
          onSort={(next) => show({ sort: next })}
          hasOwnLines
        />
      )}
    </section>
  )
}

/** How much a queue needs somebody. */
const rank = ({ no_worker_since, stop, expired }: OverviewQueue): number =>
  no_worker_since !== null ? 3 : expired > 0 ? 2 : stop !== null ? 1 : 0

/** Failing queues first, then those that stand still, then those with the most waiting jobs. */
const worstFirst = (one: OverviewQueue, other: OverviewQueue): number =>
  Math.round(other.failed_per_minute ?? 0) - Math.round(one.failed_per_minute ?? 0) ||
  rank(other) - rank(one) ||
  other.waiting - one.waiting ||
  `${one.domain}/${one.queue}`.localeCompare(`${other.domain}/${other.queue}`)

interface Shown {
  isPast: boolean
  failing: ReadonlyMap<string, Extract<Attention, { kind: 'failing' }>>
  hasUnmapped: boolean
}

const columnsOf = ({ isPast, failing, hasUnmapped }: Shown): Column<OverviewQueue>[] => {
  const count = (
    head: string,
    name: 'waiting' | 'running' | 'quarantined' | 'unmapped',
    status?: string,
  ): Column<OverviewQueue> => [
    head,
    (row) => (
      <Count
        of={row[name] ?? 0}
        to={status && addressOf('/jobs', { domain: row.domain, queue: row.queue, status })}
        title={name === 'waiting' ? withLater(row.scheduled) : undefined}
        row={row}
      />
    ),
    'number',
    { name, by: (row) => row[name] ?? 0 },
  ]
  const rate = (head: string, name: 'in' | 'done' | 'failed'): Column<OverviewQueue> => [
    head,
    (row) => <Rate of={row[`${name}_per_minute`]} tone={name === 'failed' ? 'bad' : undefined} />,
    'number',
    { name, by: (row) => row[`${name}_per_minute`] },
  ]
  return [
    [
      'Queue',
      (row) => (
        <>
          <QueueLink domain={row.domain} queue={row.queue} />
          <Badges row={row} failing={failing.get(JSON.stringify([row.domain, row.queue]))} />
        </>
      ),
      'row',
      { name: 'queue', by: ({ domain, queue }) => `${domain}/${queue}` },
    ],
    count('Waiting', 'waiting', 'queued'),
    count('Running', 'running', 'processing'),
    ...(isPast
      ? [count('Quarantined', 'quarantined', 'quarantined')]
      : [
          rate('In / min', 'in'),
          rate('Done / min', 'done'),
          rate('Failed / min', 'failed'),
          [
            'Last 60 minutes',
            (row) => <Minutes domain={row.domain} queue={row.queue} />,
          ] satisfies Column<OverviewQueue>,
          [
            'Oldest wait',
            ({ oldest_due }) => <Span since={oldest_due} absent="" />,
            'number',
            { name: 'wait', by: ({ oldest_due }) => oldest_due && -Date.parse(oldest_due) },
          ] satisfies Column<OverviewQueue>,
        ]),
    ...(hasUnmapped ? [count('Unmapped', 'unmapped')] : []),
  ]
}

interface CountProps {
  of: number
  to: string | undefined
  title: string | undefined
  row: OverviewQueue
}

function Count({ of, to, title, row }: CountProps) {
  if (of === 0) return <span class="faint">0</span>
  const text = of.toLocaleString('en')
  if (!to || !canBeFound(row.domain, row.queue)) return <>{text}</>
  return (
    <Link to={to} title={title}>
      {text}
    </Link>
  )
}

function Rate({ of, tone }: { of: number | null; tone: 'bad' | undefined }) {
  if (of === null) return <span class="faint">–</span>
  if (of === 0) return <span class="faint">0</span>
  const text = of < 10 ? String(of) : Math.round(of).toLocaleString('en')
  return tone ? <b class={tone}>{text}</b> : <>{text}</>
}

const Badge = ({ tone, children }: { tone: 'bad' | 'care'; children: ComponentChildren }) => (
  <>
    {' '}
    <span class={`badge ${tone}`}>{children}</span>
  </>
)

function Badges({
  row,
  failing,
}: {
  row: OverviewQueue
  failing: Extract<Attention, { kind: 'failing' }> | undefined
}) {
  const { stop, throttle, no_worker_since, expired } = row
  return (
    <>
      {failing && (
        <Badge tone="bad">
          {Math.max(1, Math.round(failing.per_minute))} a minute since <Clock at={failing.since} />
        </Badge>
      )}
      {stop && (
        <Badge tone="care">
          {stop.drain ? 'drains' : 'paused'} <Span since={stop.since} absent="" />
          {stop.by && (
            <>
              {' '}
              · <Name of={stop.by} />
            </>
          )}
        </Badge>
      )}
      {no_worker_since && (
        <Badge tone="care">
          nobody takes them · <Span since={no_worker_since} />
        </Badge>
      )}
      {expired > 0 && <Badge tone="care">{expired.toLocaleString('en')} past their lease</Badge>}
      {throttle && (
        <Badge tone="care">
          throttled
          {throttle.running !== null && ` · ${throttle.running} running`}
          {throttle.per_minute !== null && ` · ${throttle.per_minute} a minute`}
        </Badge>
      )}
    </>
  )
}
