import type { LiveStats } from '../api/live-stats.ts'
import { Link } from '../parts/controls.tsx'
import { UnknownParameters } from '../parts/filter.tsx'
import { QueueName } from '../parts/name.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { Ago } from '../parts/times.tsx'
import { addressOf, query } from '../state/address.ts'
import { useLiveStats } from '../state/calls.ts'
import { Groups, Sums, Unmapped } from './groups.tsx'

const names: readonly string[] = ['domain', 'queue', 'find']

/** What all queues hold now: stopped queues and running changes first, then domain, queue and type with their sums. */
export function Overview() {
  const [domain, queue, find] = names.map((name) => query.value.get(name) || undefined)
  const live = useLiveStats({ domain, queue })
  const stats = live?.stats.value
  const problem = live?.problem.value
  if (!live || !stats) return problem ? <ProblemNote problem={problem} /> : <p role="status">Loading…</p>
  return (
    <>
      <UnknownParameters known={names} />
      <p class="faint">
        {live.isLive.value ? 'Live' : 'The server does not answer, and is asked again. This is'} as of{' '}
        <time dateTime={stats.as_of} title={stats.as_of}>
          {stats.as_of.slice(11, 19)} UTC
        </time>
      </p>
      <Sums groups={[...stats.groups.values()]} />
      <Unmapped groups={[...stats.groups.values()]} />
      <Stopped stopped={stats.stopped} />
      <Running operations={stats.operations} />
      {domain !== undefined && (
        <p>
          {queue === undefined ? 'The domain' : 'The queue'}{' '}
          <b>{queue === undefined ? domain : `${domain}/${queue}`}</b>. <Link to="/">All domains</Link>
        </p>
      )}
      <Groups groups={[...stats.groups.values()]} level={stats.level} find={find} />
    </>
  )
}

function Stopped({ stopped }: Pick<LiveStats, 'stopped'>) {
  if (stopped.length === 0) return null
  return (
    <section aria-label="Stopped queues">
      <h2>Stopped queues</h2>
      <ul class="plain">
        {stopped.map(({ domain, queue, drain, updated_at, reason }) => (
          <li key={`${domain}/${queue}`} class="note care">
            <Link to={addressOf('/queue', { domain, queue })}>
              <QueueName {...{ domain, queue }} />
            </Link>{' '}
            {drain ? 'drains' : 'is paused'}, since <Ago at={updated_at} />
            {reason && <>: {reason}</>}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Running({ operations }: Pick<LiveStats, 'operations'>) {
  if (operations.length === 0) return null
  return (
    <section aria-label="Running changes">
      <h2>Running changes</h2>
      <ul class="plain">
        {operations.map(({ id, kind, affected, previewed, caller, reason }) => (
          <li key={id} class="note active">
            <Link to={`/operations/${id}`}>
              {kind} {id}
            </Link>
            : {affected.toLocaleString('en')} {previewed !== null && `of ${previewed.toLocaleString('en')} `}jobs, by{' '}
            {caller}
            {reason && <>: {reason}</>}
          </li>
        ))}
      </ul>
    </section>
  )
}
