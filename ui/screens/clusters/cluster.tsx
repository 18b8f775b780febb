import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/link.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { addressOf } from '../../state/address.ts'
import { may } from '../../state/session.ts'
import { jobsText } from '../change/preview.tsx'
import type { ClusterFields } from './cluster-filter.tsx'

type FailureCluster = Answer<'failureClusters'>['clusters'][number]

/** Of so many jobs or more some go first, unless somebody chooses otherwise: what has failed for one reason may fail for it again. */
const canaryFrom = 20
const canaries = '5'

/** So many places and owners are written out. */
const mostNamed = 3

const meanings: Readonly<Record<string, string>> = { failed: 'bad', quarantined: 'care', retrying: 'active' }

interface ClusterProps {
  cluster: FailureCluster
  /** What the address says of the clusters. */
  fields: ClusterFields
  /** The time of its `since`. */
  since: string | undefined
}

/** Failures that have their state, code and message in common: how many, where, since when, some of them, and what can be done. */
export function Cluster({ cluster: { cluster, status, ...of }, fields, since }: ClusterProps) {
  const filter = {
    ...{ domain: fields.domain, queue: fields.queue, job_type: fields.job_type, cluster },
    // The jobs of this list, and not those that have failed before: their number is what the change then shows.
    ...(status !== 'retrying' && { ended_after: since }),
  }
  const domains = [...new Set(of.groups.map(({ domain }) => domain))]
  return (
    <li class={`note cluster ${meanings[status ?? ''] ?? ''}`}>
      <p class="bar">
        <b>{jobsText(of.count)}</b>
        {status === null ? <span>in no other cluster</span> : <Status of={status} />}
        {of.error_code && <code>{of.error_code}</code>}
        {of.per_minute > 0 && <span class="chip">{of.per_minute.toLocaleString('en')} a minute</span>}
      </p>
      {of.pattern && <pre>{of.pattern}</pre>}
      <p class="faint">
        First <Time at={of.first_seen} />, last <Time at={of.last_seen} />. In {placesText(of.groups)}.
        {of.owners.some(({ owner_user_id }) => owner_user_id !== null) && ` Owners: ${ownersText(of.owners)}.`}
      </p>
      <div class="bar">
        {status !== null && <Link to={addressOf('/jobs', filter)}>Show these jobs</Link>}
        {of.sample_ids.length > 0 && (
          <span>
            For example{' '}
            {of.sample_ids.map((id) => (
              <>
                <Link to={`/jobs/${id}`}>{id}</Link>{' '}
              </>
            ))}
          </span>
        )}
        {status !== null && may('change') && (
          <span class="act">
            <Changes status={status} count={of.count} domains={domains} filter={filter} />
          </span>
        )}
      </div>
    </li>
  )
}

interface ChangesProps {
  status: string
  count: number
  domains: readonly string[]
  filter: Readonly<Record<string, string | undefined>>
}

/** The ways to the changes that a cluster can have. A requeue is of one domain, so that each of several has its own. */
function Changes({ status, count, domains, filter }: ChangesProps) {
  const canary = count >= canaryFrom ? canaries : undefined
  const to = (kind: string, more: Readonly<Record<string, string | undefined>> = {}) =>
    addressOf(`/change/${kind}`, { ...filter, ...more })
  if (status !== 'failed' && status !== 'quarantined')
    return (
      <>
        <Link to={to('reschedule')}>Reschedule…</Link>
        <Link to={to('cancel')}>Cancel…</Link>
      </>
    )
  return (
    <>
      {status === 'failed' && <Link to={to('retry', { canary })}>Retry…</Link>}
      {status === 'quarantined' &&
        domains.map((domain) => (
          <Link key={domain} to={to('requeue', { domain, canary })}>
            {domains.length > 1 ? `Requeue in ${domain}…` : 'Requeue…'}
          </Link>
        ))}
      <Link to={to('prune', { status, older_than_days: '1' })}>Prune…</Link>
    </>
  )
}

const placesText = (groups: FailureCluster['groups']): string =>
  countedText(groups.map(({ domain, queue, job_type, count }) => [`${domain}/${queue}/${job_type}`, count]))

const ownersText = (owners: FailureCluster['owners']): string =>
  countedText(owners.map(({ owner_user_id, count }) => [owner_user_id ?? 'nobody', count]))

/** The first names with their numbers, and how many more there are: `mail/out/send (340), a/b/c (12) and 2 more`. */
function countedText(all: readonly (readonly [name: string, count: number])[]): string {
  const names = all.slice(0, mostNamed).map(([name, count]) => `${name} (${count.toLocaleString('en')})`)
  const more = all.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
