import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { Ago } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, addressOfJob } from '../../state/address.ts'
import { lackOfChange } from '../../state/engine.ts'
import { may } from '../../state/session.ts'
import { jobsText } from '../change/preview.tsx'
import type { ClusterFields } from './cluster-filter.tsx'
import { type Mark, newSince } from './marks.ts'
import { ClusterSparkline, type Times } from './times.tsx'

export type FailureCluster = Answer<'failureClusters'>['clusters'][number]

/** From this number of jobs on some go first, unless somebody chooses otherwise: what has failed for one reason may fail for it again. */
const canaryFrom = 20
const canaries = '5'

/** The number of places and owners that are written out. */
const mostNamed = 3
/** The most groups, owners and domains that the server sends, the largest first. */
const mostSent = 10

const meanings: Readonly<Record<string, string>> = { failed: 'bad', quarantined: 'care', retrying: 'active' }

interface ClusterProps {
  cluster: FailureCluster
  /** What the address says of the clusters. */
  fields: ClusterFields
  /** The time of its `since`. */
  since: string | undefined
  /** The last marks, the newest first. */
  marks: readonly Mark[]
  /** When the jobs of the largest clusters failed; undefined until it is known. */
  times: Times | undefined
}

/** Failures that have their state, code and message in common: how many, where, since when, some of them, and what can be done. */
export function Cluster({ cluster: { cluster, status, ...of }, fields, since, marks, times }: ClusterProps) {
  const mark = newSince(marks, of.first_seen)
  const filter = {
    domain: fields.domain,
    queue: fields.queue,
    job_type: fields.job_type,
    cluster,
    // The jobs of this list, and not those that have failed before: their number is what the change then shows.
    ...(status !== 'retrying' && { ended_after: since }),
  }
  // Servers up to 0.2.0 send the ten largest groups alone.
  const domains = (of.domains ?? of.groups).map(({ domain }) => domain)
  const name = nameOf({ status, ...of })
  return (
    <li class={`note cluster ${meanings[status ?? ''] ?? ''}`}>
      <p class="bar">
        <b>
          {of.at_least && 'at least '}
          {jobsText(of.count)}
        </b>
        {status === null ? <span>in no other cluster</span> : <Status of={status} />}
        {of.error_code && <code>{of.error_code}</code>}
        {of.per_minute > 0 && <span class="badge bad">{of.per_minute.toLocaleString('en')} a minute</span>}
        {mark && (
          <span class="badge care">
            new since <Name of={mark.text} />
          </span>
        )}
      </p>
      <div class="cause">
        {of.pattern && <pre>{of.pattern}</pre>}
        {status !== null && <ClusterSparkline {...{ times, cluster }} />}
      </div>
      <p class="faint">
        First <Ago at={of.first_seen} />, last <Ago at={of.last_seen} />. In {placesText(of.groups, of.group_count)}.
        {of.owners.some(({ owner_user_id }) => owner_user_id !== null) &&
          ` Owners: ${ownersText(of.owners, of.owner_count)}.`}
      </p>
      <div class="bar">
        {status !== null && (
          <Way to={addressOf('/jobs', filter)} of={name}>
            Show these jobs
          </Way>
        )}
        {of.sample_ids.length > 0 && (
          <span>
            For example{' '}
            {of.sample_ids.map((id) => (
              <>
                <Link to={addressOfJob(id)}>{id}</Link>{' '}
              </>
            ))}
          </span>
        )}
        {status !== null && may('change') && (
          <span class="act">
            <Changes
              {...{ status, filter, name }}
              count={of.count}
              domains={[...new Set(domains)]}
              hasMore={
                of.domain_count === undefined
                  ? of.at_least === true || of.groups.length >= mostSent
                  : of.domain_count > domains.length
              }
            />
          </span>
        )}
      </div>
    </li>
  )
}

/** The most characters of a message by which somebody who hears a link knows its cluster. */
const longestName = 80

/** What a cluster is called where its links are heard without it. */
const nameOf = ({ status, error_code, pattern }: Pick<FailureCluster, 'status' | 'error_code' | 'pattern'>): string =>
  [status, error_code, pattern?.split('\n')[0]?.slice(0, longestName)].filter(Boolean).join(', ')

interface WayProps {
  to: string
  /** What the cluster is called. */
  of: string
  children: string
}

/** A link whose words each cluster has: who hears it in a list of all links is told of which it is. */
const Way = ({ to, of, children }: WayProps) => (
  <Link to={to} label={`${children} (${of})`}>
    {children}
  </Link>
)

interface ChangesProps {
  status: string
  /** What the cluster is called. */
  name: string
  count: number
  /** The domains with the most jobs of the cluster. */
  domains: readonly string[]
  /** True where there may be jobs in other domains, too. */
  hasMore: boolean
  filter: Readonly<Record<string, string | undefined>>
}

/** The ways to the changes that a cluster can have. All its domains are in one change: a requeue is of one domain, and a retry takes its place. */
function Changes({ status, name, count, domains, hasMore, filter }: ChangesProps) {
  const canary = count >= canaryFrom ? canaries : undefined
  const way = (words: string, kind: string, more: Readonly<Record<string, string | undefined>> = {}) => (
    <Way to={addressOf(`/change/${kind}`, { ...filter, ...more })} of={name}>
      {words}
    </Way>
  )
  const [domain] = domains
  if (status !== 'failed' && status !== 'quarantined')
    return (
      <>
        {way('Reschedule…', 'reschedule')}
        {way('Cancel…', 'cancel')}
      </>
    )
  return (
    <>
      {status === 'failed' && way('Retry…', 'retry', { canary })}
      {status === 'quarantined' &&
        (domains.length === 1 && domain !== undefined && !hasMore
          ? way('Requeue…', 'requeue', { domain, canary })
          : way('Requeue in all domains…', 'retry', { also_quarantined: 'true', canary }))}
      {may('edit') && lackOfChange('edit') === undefined && way('Edit and retry…', 'edit', { next: 'retry', canary })}
      {way('Prune…', 'prune', { status, older_than_days: '1' })}
    </>
  )
}

const placesText = (groups: FailureCluster['groups'], all: number | undefined): string =>
  countedText(
    groups.map(({ domain, queue, job_type, count }) => [`${domain}/${queue}/${job_type}`, count]),
    all,
  )

/** The jobs without an owner are a row, and none of the owners that were counted. */
const ownersText = (owners: FailureCluster['owners'], all: number | undefined): string =>
  countedText(
    owners.map(({ owner_user_id, count }) => [owner_user_id ?? 'nobody', count]),
    all === undefined ? undefined : all + Number(owners.some(({ owner_user_id }) => owner_user_id === null)),
  )

/** The first names with their numbers, and how many more there are: `mail/out/send (340), a/b/c (12) and 2 more`. */
function countedText(sent: readonly (readonly [name: string, count: number])[], all: number | undefined): string {
  const names = sent.slice(0, mostNamed).map(([name, count]) => `${name} (${count.toLocaleString('en')})`)
  const more = Math.max(all ?? 0, sent.length) - names.length
  // A server that does not tell how many there are sends the ten largest.
  const bound = all === undefined && sent.length >= mostSent ? 'at least ' : ''
  return `${names.join(', ')}${more > 0 ? ` and ${bound}${more.toLocaleString('en')} more` : ''}`
}
