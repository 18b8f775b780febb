import type { ComponentChildren } from 'preact'
import type { Overview, OverviewQueue } from '../../../shared/queues/overview.ts'
import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { QueueName } from '../../parts/name.tsx'
import { Clock, Span } from '../../parts/times.tsx'
import { addressOf, canBeFound } from '../../state/address.ts'

interface TileProps {
  label: string
  to: string
  tone?: 'bad' | 'care' | undefined
  title?: string | undefined
  value: ComponentChildren
  children?: ComponentChildren
}

const Tile = ({ label, to, tone, title, value, children }: TileProps) => (
  <Link to={to} title={title} class={tone ? `tile ${tone}` : 'tile'}>
    <span class="faint">{label}</span> <b>{value}</b> <span class="faint under">{children}</span>
  </Link>
)

/** What the list of queued jobs has beside those that wait; undefined where it has no others. */
export const withLater = (scheduled: number): string | undefined =>
  scheduled > 0 ? `with ${scheduled.toLocaleString('en')} for later` : undefined

const whole = (rate: number | null) =>
  rate === null ? '–' : rate > 0 && rate < 10 ? String(rate) : Math.round(rate).toLocaleString('en')

/** The numbers of all queues, each of which leads to what it counts. */
export function Tiles({ totals, attention, queues, domain }: Overview & { domain: string | undefined }) {
  const worst = attention.find((of) => of.kind === 'failing')
  const failed = totals.failed_per_minute
  const [oldest] = queues
    .filter(({ oldest_due }) => oldest_due !== null)
    .toSorted((one, other) => Date.parse(one.oldest_due ?? '') - Date.parse(other.oldest_due ?? ''))
  // Without the rows of some waiting jobs, one of these may wait for longer.
  const isWhole = queues.reduce((jobs, { waiting }) => jobs + waiting, 0) >= totals.waiting
  const share = worst && failed ? Math.min(100, Math.round((100 * worst.per_minute) / failed)) : 0
  return (
    <nav class="tiles" aria-label="Totals">
      <Tile
        label="Failing a minute"
        to={addressOf('/clusters', { domain, since: '1h' })}
        tone={failed ? 'bad' : undefined}
        value={whole(failed)}
      >
        {worst && (
          <>
            since <Clock at={worst.since} />, {share} % in <QueueName {...worst} />
          </>
        )}
      </Tile>
      <Tile
        label="Done a minute"
        to={addressOf('/history', { domain, since: '1h' })}
        value={whole(totals.done_per_minute)}
      >
        {totals.in_per_minute !== null && `${whole(totals.in_per_minute)} in`}
      </Tile>
      <Tile
        label="Waiting"
        to={addressOf('/jobs', { domain, status: 'queued' })}
        title={withLater(totals.scheduled)}
        value={totals.waiting.toLocaleString('en')}
      >
        {totals.scheduled > 0 && `${totals.scheduled.toLocaleString('en')} for later`}
      </Tile>
      <Tile
        label="Oldest wait"
        to={
          oldest && canBeFound(oldest.domain, oldest.queue)
            ? addressOf('/queue', { domain: oldest.domain, queue: oldest.queue })
            : addressOf('/', { domain })
        }
        value={
          <>
            {oldest && !isWhole && 'at least '}
            <Span since={oldest?.oldest_due} absent={isWhole ? 'none' : '–'} />
          </>
        }
      >
        {oldest && <QueueName {...oldest} />}
      </Tile>
      <Tile
        label="Running"
        to={addressOf('/jobs', { domain, status: 'processing' })}
        value={totals.running.toLocaleString('en')}
      >
        {totals.expired > 0 && `${totals.expired.toLocaleString('en')} past their lease`}
      </Tile>
      {totals.quarantined > 0 && (
        <Tile
          label="Quarantined"
          to={addressOf('/clusters', { domain, status: 'quarantined' })}
          value={totals.quarantined.toLocaleString('en')}
        />
      )}
    </nav>
  )
}

interface PastTilesProps {
  queues: readonly OverviewQueue[]
  /** The minutes before the moment; undefined where none are kept. */
  before: Answer<'history'> | undefined
  at: string
  domain: string | undefined
}

/** The numbers of all queues at a moment of the past, each of which leads to that time. */
export function PastTiles({ queues, before, at, domain }: PastTilesProps) {
  const around = (minutes: number) => new Date(Date.parse(at) + 60_000 * minutes).toISOString()
  const history = addressOf('/history', { domain, from: around(-30), to: around(30), step: '1m' })
  const sum = (name: 'waiting' | 'scheduled' | 'running') => queues.reduce((all, row) => all + row[name], 0)
  const rate = (count: (point: Answer<'history'>['points'][number]) => number) =>
    before && before.points.length > 0
      ? whole(
          Math.round((10 * before.points.reduce((all, point) => all + count(point), 0)) / before.points.length) / 10,
        )
      : '–'
  const failed = before?.points.some((point) => point.failed + point.quarantined > 0)
  return (
    <nav class="tiles" aria-label="Totals of that moment">
      <Tile
        label="Failing a minute"
        to={history}
        tone={failed ? 'bad' : undefined}
        value={rate((point) => point.failed + point.quarantined)}
      >
        in the minutes before
      </Tile>
      <Tile label="Done a minute" to={history} value={rate(({ completed }) => completed)}>
        in the minutes before
      </Tile>
      <Tile label="Waiting" to={history} value={sum('waiting').toLocaleString('en')}>
        {sum('scheduled') > 0 && `${sum('scheduled').toLocaleString('en')} for later`}
      </Tile>
      <Tile label="Running" to={history} value={sum('running').toLocaleString('en')} />
    </nav>
  )
}
