import { type Answer, call } from '../../api/call.ts'
import { Sparkline } from '../../parts/sparkline.tsx'
import { Clock, spanText } from '../../parts/times.tsx'
import { useLoad } from '../../state/calls.ts'
import { serverNow } from '../../state/page.ts'
import type { FailureCluster } from './cluster.tsx'
import type { ClusterFields } from './cluster-filter.tsx'

/** When the jobs of clusters failed, by step. */
export type Times = Answer<'clusterTimes'>

/** The most clusters of one call, and how far back it looks, in milliseconds. */
const mostClusters = 50
const longestMs = 7 * 86_400_000

/**
 * When the jobs of the largest clusters failed: one call for all of them, since the first of their failures, at most for 7 days.
 * @param since the time from which the page shows failures
 * @returns undefined until it is known
 */
export function useTimes(
  clusters: readonly FailureCluster[],
  { domain, queue, job_type }: ClusterFields,
  since: string | undefined,
): Times | undefined {
  const ids = clusters
    .filter(({ status }) => status !== null)
    .slice(0, mostClusters)
    .map(({ cluster }) => cluster)
    .join(',')
  const first = clusters.reduce(
    (least, { first_seen }) => Math.min(least, Date.parse(first_seen ?? '') || least),
    serverNow(),
  )
  const from = Math.max(since === undefined ? first : Date.parse(since), serverNow() - longestMs)
  // Rounded, so that a refresh of the list asks once.
  const begin = new Date(60_000 * Math.floor(from / 60_000)).toISOString()
  const { data } = useLoad(JSON.stringify([ids, domain, queue, job_type, begin]), async (signal) =>
    ids === '' ? undefined : call('clusterTimes', { domain, queue, job_type, clusters: ids, since: begin }, { signal }),
  )
  return data
}

/** The failures of a cluster over time, as bars of the same times on the whole page. */
export function ClusterSparkline({ times, cluster }: { times: Times | undefined; cluster: string }) {
  const failed = times?.clusters.find((one) => one.cluster === cluster)?.failed
  if (!times || !failed || failed.every((jobs) => jobs === 0)) return <div class="cluster-times" />
  const most = Math.max(...failed)
  const step = spanText(times.step_seconds)
  const at = Date.parse(times.from) + 1000 * times.step_seconds * failed.indexOf(most)
  const sum = failed.reduce((all, jobs) => all + jobs, 0).toLocaleString('en')
  return (
    <div class="cluster-times">
      <Sparkline
        label={`${sum} failed since ${times.from}, at most ${most.toLocaleString('en')} in ${step}`}
        series={[['bad', failed]]}
      />
      <span class="faint" aria-hidden="true">
        <Clock at={times.from} />
        <span>
          most {most.toLocaleString('en')} in {step}, <Clock at={new Date(at).toISOString()} />
        </span>
        <span>now</span>
      </span>
    </div>
  )
}
