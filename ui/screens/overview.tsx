import { useEffect, useState } from 'preact/hooks'
import { followStats, type LiveGroup, type LiveStats } from '../api/live-stats.ts'
import { Link } from '../parts/link.tsx'
import { Rows } from '../parts/rows.tsx'
import { Time } from '../parts/time.tsx'
import { addressOf, query } from '../state/address.ts'

type Live = ReturnType<typeof followStats>

/** What all queues hold now: stopped queues and running changes first, then domain, queue and type with their sums. */
export function Overview() {
  const domain = query.value.get('domain') ?? undefined
  const [live, setLive] = useState<Live>()
  useEffect(() => {
    const following = followStats(domain)
    setLive(following)
    return following.end
  }, [domain])
  const stats = live?.stats.value
  if (!live || !stats) return <p role="status">Loading…</p>
  return (
    <>
      <p class="faint">
        {live.isLive.value ? 'Live' : 'The server does not answer, and is asked again. This is'} as of{' '}
        <time dateTime={stats.as_of} title={stats.as_of}>
          {stats.as_of.slice(11, 19)} UTC
        </time>
      </p>
      <Sums groups={[...stats.groups.values()]} />
      <Stopped stopped={stats.stopped} />
      <Running operations={stats.operations} />
      {domain !== undefined && (
        <p>
          The domain <b>{domain}</b>. <Link to="/">All domains</Link>
        </p>
      )}
      <Groups groups={[...stats.groups.values()]} isOne={domain !== undefined} />
    </>
  )
}

const columns = ['queued', 'scheduled', 'processing', 'quarantined'] as const
type Counts = Record<(typeof columns)[number], number>

const sumOf = (groups: readonly LiveGroup[]): Counts => {
  const sums: Counts = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
  for (const group of groups) for (const name of columns) sums[name] += group[name]
  return sums
}

function Sums({ groups }: { groups: readonly LiveGroup[] }) {
  const sums = sumOf(groups)
  const oldest = oldestOf(groups)
  return (
    <dl class="sums">
      {columns.map((name) => (
        <div key={name} class={name}>
          <dt>{name}</dt>
          <dd>{sums[name].toLocaleString('en')}</dd>
        </div>
      ))}
      <div>
        <dt>oldest wait</dt>
        <dd>
          <Time at={oldest} absent="none" />
        </dd>
      </div>
    </dl>
  )
}

const oldestOf = (groups: readonly LiveGroup[]): string | null =>
  groups.reduce<string | null>(
    (oldest, { oldest_due }) => (oldest_due !== null && (oldest === null || oldest_due < oldest) ? oldest_due : oldest),
    null,
  )

function Stopped({ stopped }: Pick<LiveStats, 'stopped'>) {
  if (stopped.length === 0) return null
  return (
    <section aria-label="Stopped queues">
      <h2>Stopped queues</h2>
      <ul class="plain">
        {stopped.map(({ domain, queue, drain, updated_at, reason }) => (
          <li key={`${domain}/${queue}`} class="note care">
            <Link to={addressOf('/queue', { domain, queue })}>
              {domain}/{queue}
            </Link>{' '}
            {drain ? 'drains' : 'is paused'}, since <Time at={updated_at} />
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

/** Above so many groups the domains alone are shown, each with the way to its queues: a page of all would be slow to draw each second. */
const mostGroups = 300

interface GroupsProps {
  groups: readonly LiveGroup[]
  /** True where they are those of one domain. */
  isOne: boolean
}

/** Groups under their domain and queue, by name. */
function Groups({ groups, isOne }: GroupsProps) {
  if (groups.length === 0) return <p class="empty">No job waits or runs, and none is in quarantine.</p>
  const domains = Map.groupBy(groups, ({ domain }) => domain)
  const isFolded = groups.length > mostGroups && !isOne
  return (
    <Rows
      label="Counts by domain, queue and type"
      heads={['Domain › queue › type', ...columns, 'Oldest wait']}
      numeric={columns}
    >
      {[...domains].sort(byName).map(([domain, inDomain]) => (
        <tbody key={domain}>
          <CountsRow level={0} name={domain} filter={{ domain }} groups={inDomain} isFolded={isFolded} />
          {!isFolded && <Queues domain={domain} groups={inDomain} />}
        </tbody>
      ))}
    </Rows>
  )
}

interface QueuesProps {
  domain: string
  /** Of this domain. */
  groups: readonly LiveGroup[]
}

const Queues = ({ domain, groups }: QueuesProps) => (
  <>
    {[...Map.groupBy(groups, ({ queue }) => queue)].sort(byName).map(([queue, inQueue]) => (
      <>
        <CountsRow key={queue} level={1} name={queue} filter={{ domain, queue }} groups={inQueue} />
        {[...inQueue]
          .sort((a, b) => (a.job_type < b.job_type ? -1 : 1))
          .map((group) => (
            <CountsRow
              key={`${queue}\n${group.job_type}`}
              level={2}
              name={group.job_type}
              filter={{ domain, queue, job_type: group.job_type }}
              groups={[group]}
            />
          ))}
      </>
    ))}
  </>
)

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

interface CountsRowProps {
  level: 0 | 1 | 2
  name: string
  filter: Readonly<Record<string, string>>
  groups: readonly LiveGroup[]
  /** True for a domain whose queues are not shown here. */
  isFolded?: boolean
}

function CountsRow({ level, name, filter, groups, isFolded = false }: CountsRowProps) {
  const sums = sumOf(groups)
  const states: Record<keyof Counts, string> = {
    ...{ queued: 'queued', scheduled: 'queued', processing: 'processing', quarantined: 'quarantined' },
  }
  return (
    <tr class={`level-${level}`}>
      <th scope="row">
        <Link to={addressOf(isFolded ? '/' : level === 1 ? '/queue' : '/jobs', filter)}>{name}</Link>
      </th>
      {columns.map((column) => (
        <td key={column} class="number">
          {sums[column] === 0 ? (
            <span class="faint">0</span>
          ) : (
            <Link to={addressOf('/jobs', { ...filter, status: states[column] })}>
              {sums[column].toLocaleString('en')}
            </Link>
          )}
        </td>
      ))}
      <td>
        <Time at={oldestOf(groups)} absent="" />
      </td>
    </tr>
  )
}
