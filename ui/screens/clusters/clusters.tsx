import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { flagWords } from '../../../shared/text/shell.ts'
import { type Answer, callWithHeaders } from '../../api/call.ts'
import { Copy, Link } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { Name } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useFiltered } from '../../state/calls.ts'
import { thatYouSee } from '../../state/session.ts'
import { Cluster, type FailureCluster } from './cluster.tsx'
import { type ClusterFields, ClusterFilter, fieldNames } from './cluster-filter.tsx'
import { useMarks } from './marks.ts'
import { useTimes } from './times.tsx'

const flags: Readonly<Record<keyof ClusterFields, string>> = {
  domain: '--domain',
  queue: '--queue',
  job_type: '--job-type',
  status: '--status',
  since: '--since',
}

const timeOf = async (words: string, signal: AbortSignal) =>
  (await import('../../api/time-of.ts')).timeOf(words, signal)

/*
 * The questions of this screen, in their order:
 *   1. What fails, and how much of it?      a cluster each, the largest first; what has one code and many words is folded
 *   2. Since when, and does it go on?       its failures over time, its rate, the mark since which it is new
 *   3. Where, and whose jobs are these?     places and owners, the first of them named
 *   4. What can I do?                       the changes that fit its state, of all its domains at once
 */

/** Failures by what they have in common, each with the ways to end it. */
export function Clusters() {
  const params = query.value
  const fields: ClusterFields = Object.fromEntries(
    fieldNames.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])),
  )
  const { data, problem, readAt, isLoading, reload } = useFiltered(JSON.stringify(fields), async (signal) => {
    const since = fields.since && (await timeOf(fields.since, signal))
    const { answer, headers } = await callWithHeaders('failureClusters', { ...fields, since }, { signal })
    const isComplete = headers.get('X-Complete') !== 'false'
    return { ...answer, since, isComplete, scanned: Number(headers.get('X-Scanned') ?? 0) }
  })
  const words = fieldNames.flatMap((name) => (fields[name] ? flagWords(flags[name], fields[name]) : []))
  return (
    <>
      <UnknownParameters known={fieldNames} />
      <ClusterFilter fields={fields} />
      <div class="bar">
        <Freshness {...{ readAt, isLoading, reload }} />
        <Copy text={['jobsctl', 'clusters', ...words]}>Copy as jobsctl</Copy>
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && !data.isComplete && (
        <p class="note care" role="status">
          Of {data.scanned.toLocaleString('en')} failures that were read, some are in no cluster here, or there are
          more. Choose a state, a time or a domain.
        </p>
      )}
      {data?.clusters.length === 0 && data.isComplete && <p class="empty">No job{thatYouSee()} has failed here.</p>}
      {data && data.clusters.length > 0 && <All clusters={data.clusters} fields={fields} since={data.since} />}
      {data && data.expired_leases.length > 0 && <ExpiredLeases leases={data.expired_leases} fields={fields} />}
    </>
  )
}

interface AllProps {
  clusters: readonly FailureCluster[]
  fields: ClusterFields
  since: string | undefined
}

/** Clusters of one job that have their state and code in common are folded from this number on: they have one cause, told in many words. */
const foldedFrom = 3

const foldOf = ({ status, error_code, count }: FailureCluster): string | undefined =>
  count === 1 && error_code !== null ? `${status}\n${error_code}` : undefined

function All({ clusters, ...rest }: AllProps) {
  const marks = useMarks()
  const folds = Map.groupBy(clusters, foldOf)
  const isFolded = (cluster: FailureCluster) => {
    const fold = foldOf(cluster)
    return fold !== undefined && (folds.get(fold)?.length ?? 0) >= foldedFrom
  }
  const seen = clusters.filter((cluster) => !isFolded(cluster))
  const times = useTimes(seen, rest.fields, rest.since)
  const list = (shown: readonly FailureCluster[]) => (
    <ol class="plain">
      {shown.map((cluster) => (
        <Cluster key={cluster.cluster} cluster={cluster} {...{ marks, times }} {...rest} />
      ))}
    </ol>
  )
  return (
    <>
      {list(seen)}
      {[...folds].map(
        ([fold, alike]) =>
          fold !== undefined &&
          alike.length >= foldedFrom && (
            <Singles key={fold} clusters={alike} fields={rest.fields}>
              {list(alike)}
            </Singles>
          ),
      )}
    </>
  )
}

interface SinglesProps extends Pick<AllProps, 'clusters' | 'fields'> {
  children: ComponentChildren
}

/** Failures that each have a message of their own, by their code. */
function Singles({ clusters, fields: { since: _since, ...scope }, children }: SinglesProps) {
  const [isOpen, setOpen] = useState(false)
  const code = clusters[0]?.error_code ?? ''
  const status = clusters[0]?.status ?? ''
  return (
    <details class="note singles" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {clusters.length.toLocaleString('en')} others with the code <Name of={code} />, each with a message of its own
      </summary>
      {status !== 'retrying' && (
        <p>
          <Link to={addressOf('/jobs', { ...scope, status, error_code: code })}>All jobs with this code</Link>
        </p>
      )}
      {isOpen && children}
    </details>
  )
}

type ExpiredLease = Answer<'failureClusters'>['expired_leases'][number]

/** The jobs of a row, within what the page shows; undefined for those of no worker, which no filter finds. */
const addressOfLeases = ({ worker_id, job_type }: ExpiredLease, { domain, queue }: ClusterFields) =>
  worker_id === null ? undefined : addressOf('/jobs', { stale: 'true', domain, queue, job_type, worker_id })

const leaseColumns = (fields: ClusterFields): readonly Column<ExpiredLease>[] => [
  ['Worker', ({ worker_id }) => worker_id ?? <span class="faint">none</span>],
  ['Type', ({ job_type }) => job_type],
  [
    'Jobs',
    (row) => {
      const [to, count] = [addressOfLeases(row, fields), row.count.toLocaleString('en')]
      return to === undefined ? count : <Link to={to}>{count}</Link>
    },
    'number',
  ],
  ['First', ({ oldest }) => <Ago at={oldest} absent="no end" />],
]

const ExpiredLeases = ({ leases, fields }: { leases: readonly ExpiredLease[]; fields: ClusterFields }) => (
  <section aria-label="Expired leases">
    <h2>Running jobs past their lease</h2>
    <Rows
      label="Expired leases"
      rows={leases}
      columns={leaseColumns(fields)}
      keyOf={({ worker_id, job_type }) => `${worker_id}\n${job_type}`}
    />
  </section>
)
