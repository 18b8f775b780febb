import type { Overview as Answer, OverviewQueue } from '../../shared/queues/overview.ts'
import { call } from '../api/call.ts'
import { Link } from '../parts/controls.tsx'
import { UnknownParameters } from '../parts/filter.tsx'
import { Name } from '../parts/name.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { Ago, Clock } from '../parts/times.tsx'
import { addressOf, query } from '../state/address.ts'
import { type Loaded, useFiltered } from '../state/calls.ts'
import { isLive, overview, overviewProblem } from '../state/overview.ts'
import { Band } from './overview/band.tsx'
import { Card } from './overview/card.tsx'
import { Fleet } from './overview/fleet.tsx'
import { QueueTable } from './overview/queue-table.tsx'
import { Sentences } from './overview/sentences.tsx'
import { PastTiles, Tiles } from './overview/tiles.tsx'

/*
 * The questions of this screen, in their order:
 *   1. Is anything wrong?                 tiles: failing a minute is red above 0
 *   2. What, since when, why, who?        sentences, the worst first, each with its act; nothing where nobody is needed
 *   3. When did it begin, what happened?  the band of time: depth, failures, marks; a press goes to that moment
 *   4. And the other queues?              one row each, the worst first
 *   5. And the other servers?             one row each, where there are any
 * On a phone the worst sentence is a card with the brake in it.
 */

const names: readonly string[] = ['domain', 'find', 'sort', 'span', 'at']

/** What all queues do now, or as they were at a moment of the past. The band of time stays while somebody goes through its moments. */
export function Overview() {
  const [domain, at] = ['domain', 'at'].map((name) => query.value.get(name) || undefined)
  const past = useFiltered(JSON.stringify([at, domain]), async (signal) => at && readPast(at, domain, signal))
  const now = overview.value
  const problem = overviewProblem.value
  if (!now) return problem ? <ProblemNote problem={problem} /> : <p role="status">Loading…</p>
  return (
    <>
      <UnknownParameters known={names} />
      {problem && problem.status >= 400 && problem.status < 500 && <ProblemNote problem={problem} />}
      {at === undefined ? (
        <Now now={now} domain={domain} />
      ) : (
        <PastNote at={at} {...past} data={past.data || undefined} />
      )}
      <Band domain={domain} />
      {at === undefined && <Queues now={now} />}
      {at === undefined ? <Fleet /> : past.data && <Past {...past.data} {...{ at, domain }} />}
    </>
  )
}

/** What is wrong now, and the numbers of now. */
function Now({ now, domain }: { now: Answer; domain: string | undefined }) {
  return (
    <>
      <p class="faint as-of">
        {isLive.value ? 'Live' : 'The server does not answer, and is asked again. This is'} as of{' '}
        <time dateTime={now.as_of} title={now.as_of}>
          {now.as_of.slice(11, 19)} UTC
        </time>
      </p>
      <Unmapped queues={now.queues} />
      <Card {...now} />
      <Tiles {...now} domain={domain} />
      <Sentences key={domain} {...now} />
      <Running operations={now.operations} />
    </>
  )
}

function Queues({ now }: { now: Answer }) {
  return (
    <>
      <QueueTable queues={now.queues} attention={now.attention} isPast={false} />
      {now.totals.queues > now.queues.length && (
        <p class="note">
          {now.queues.length.toLocaleString('en')} of {now.totals.queues.toLocaleString('en')} queues are shown; the
          totals are of all.
        </p>
      )}
      {now.why !== null && (
        <p class="faint">
          {now.rates_of === 'jobs'
            ? `Rates are of the jobs still there: ${now.why}.`
            : `${now.why.charAt(0).toUpperCase()}${now.why.slice(1)}.`}
        </p>
      )}
    </>
  )
}

type PastData = Awaited<ReturnType<typeof readPast>>

/** The counts of a moment of the past, with the rates of the minutes before it. */
async function readPast(at: string, domain: string | undefined, signal: AbortSignal) {
  const [groups, before] = await Promise.all([
    call('stats', { at, domain }, { signal }),
    // Minutes are kept for a week; without them there are no rates.
    call('history', { domain, ...minutesBefore(at), step: '1m' }, { signal }).catch(() => undefined),
  ])
  return { groups, before }
}

interface PastNoteProps extends Pick<Loaded<PastData>, 'data' | 'problem' | 'reload'> {
  at: string
}

/** Says loudly that what is shown is of a moment of the past. */
function PastNote({ at, data, problem, reload }: PastNoteProps) {
  const [first] = data?.groups ?? []
  return (
    <>
      <p class="note care past" role="status">
        <b>
          This is the past: <Clock at={first?.as_of ?? at} />
        </b>
        , <Ago at={first?.as_of ?? at} />, not now.{' '}
        <Link to={addressOf('/', { ...Object.fromEntries(query.value), at: undefined })}>Back to now</Link>
        {first?.at_least !== undefined && <> The counts are lower bounds: {first.at_least}.</>}
      </p>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
    </>
  )
}

const Past = ({ groups, before, ...of }: PastData & { at: string; domain: string | undefined }) => (
  <>
    <PastTiles queues={pastQueues(groups)} before={before} {...of} />
    <QueueTable queues={pastQueues(groups)} attention={[]} isPast />
  </>
)

/** How many minutes before a moment its rates are of. */
const rateMinutes = 5

/** The whole minutes before a moment. */
function minutesBefore(at: string): { from: string; to: string } {
  const to = 60_000 * Math.ceil(Date.parse(at) / 60_000)
  const timeOf = (ms: number) => (Number.isNaN(ms) ? at : new Date(ms).toISOString())
  return { from: timeOf(to - 60_000 * rateMinutes), to: timeOf(to) }
}

type Group = Awaited<ReturnType<typeof call<'stats'>>>[number]

/** Groups of the past, a row a queue. */
const pastQueues = (groups: readonly Group[]): OverviewQueue[] =>
  [...Map.groupBy(groups, ({ domain, queue }) => JSON.stringify([domain, queue])).values()].map((ofQueue) => {
    const sum = (name: 'queued' | 'scheduled' | 'processing' | 'quarantined') =>
      ofQueue.reduce((all, group) => all + group[name], 0)
    return {
      domain: ofQueue[0]?.domain ?? '',
      queue: ofQueue[0]?.queue ?? '',
      job_types: ofQueue.length,
      types: ofQueue.map(({ job_type }) => job_type),
      waiting: sum('queued'),
      scheduled: sum('scheduled'),
      running: sum('processing'),
      quarantined: sum('quarantined'),
      in_per_minute: null,
      done_per_minute: null,
      failed_per_minute: null,
      oldest_due: null,
      expired: 0,
      stop: null,
      throttle: null,
      no_worker_since: null,
    }
  })

/** Says how many jobs have a state that the map of their table does not have. */
function Unmapped({ queues }: Pick<Answer, 'queues'>) {
  const count = queues.reduce((sum, { unmapped = 0 }) => sum + unmapped, 0)
  if (count === 0) return null
  return (
    <p class="note care" role="status">
      {count.toLocaleString('en')} {count === 1 ? 'job has' : 'jobs have'} a state that the map of the table does not
      have. No change touches {count === 1 ? 'it' : 'them'}. <code>jobs-server init --check</code> names the values.
    </p>
  )
}

function Running({ operations }: Pick<Answer, 'operations'>) {
  if (operations.length === 0) return null
  return (
    <section aria-label="Running changes">
      <ul class="plain">
        {operations.map(({ id, kind, affected, previewed, by, reason }) => (
          <li key={id} class="note active">
            <Link to={`/operations/${id}`}>
              {kind} {id}
            </Link>
            : {affected.toLocaleString('en')} {previewed !== null && `of ${previewed.toLocaleString('en')} `}jobs, by{' '}
            <Name of={by} />
            {reason && <>: {reason}</>}
          </li>
        ))}
      </ul>
    </section>
  )
}
