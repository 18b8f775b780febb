import {
  type Cluster,
  type ClustersRequest,
  type ExpiredLeases,
  restOfClusters,
} from '../../../shared/jobs/clusters.ts'
import { compareJobIds, type JobId } from '../../../shared/work/job-key.ts'
import type { Listing, ServerContext } from '../../call.ts'
import { clusterId } from '../../database/error-pattern.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { hasKeys } from '../../database/job-ids.ts'
import { planForParameters, roomForSorting } from '../../database/planner-hints.ts'
import type { Within } from '../../database/scope.ts'
import { type Pool, type Sql, staticFragment } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { servedBy } from '../../engines/served.ts'
import { readBounded } from '../bounded-read.ts'
import { expiredLeases } from '../expired-leases.ts'
import type { OutputOf } from '../handlers.ts'
import { type Among, type ClusterRow, readClusters } from './clusters-read.ts'

/**
 * Failures by what they have in common, and expired leases by worker, with the headers `X-Scanned` and `X-Complete`: `false`
 * where failures are in no cluster of the answer, or were not read.
 */
export async function failureClusters(
  call: Listing & Pick<ServerContext, 'redactor'>,
  request: ClustersRequest,
): Promise<OutputOf<'failureClusters'>> {
  // No index of ours has the failures of another engine.
  const serving = servedBy(call.sql).mode === 'own' ? ['jobsctl_failures', 'jobsctl_retrying'] : []
  const { rows, expired_leases } = await readBounded(call.sql, serving, () =>
    readFailures(call.sql, { ...request, within: call.within }),
  )
  const { scanned = 0, not_read = [] } = rows[0] ?? {}
  const clusters = rows
    .filter(({ count }) => count !== null)
    .map((row) => ({ ...clusterOf(row, call.redactor.text), at_least: isLowerBound(row) }))
  const isComplete = not_read.length === 0 && !clusters.some(({ cluster }) => cluster === restOfClusters)
  call.addHeader('X-Scanned', String(scanned))
  call.addHeader('X-Complete', String(isComplete))
  return { clusters, expired_leases: [...expired_leases], not_read }
}

/** The row of all other failures may have any state, and has each message that was not folded. */
const isLowerBound = ({ status, not_read, not_folded }: ClusterRow): boolean =>
  status === null ? not_read.length > 0 : not_folded.includes(status) || not_read.some(({ state }) => state === status)

/**
 * The failures in the scope. An index has the failures of each state in the order of their time, whatever their scope; where it takes too
 * long to find those of a scope, only those among the newest of all are read.
 */
async function readFailures(sql: Pool, request: Within<ClustersRequest>) {
  const read = (among: Among) =>
    sql.begin(async (tx) => {
      await tx`select ${limitReadTime(tx)}, ${roomForSorting(tx)}, ${planForParameters(tx)}, ${hashTexts(tx)}`
      return {
        rows: await readClusters(tx, { ...request, among }),
        expired_leases: await readExpired(tx, request),
      }
    })
  if (servedBy(sql).mode !== 'own') return read('scope')
  const { domain, queue, job_type, within } = request
  if (!domain && !queue && !job_type && !within) return read('all')
  return read('scope').catch((error: unknown) => {
    if (hasCode(error, ['57014'])) return read('all')
    throw error
  })
}

/**
 * The planner expects few failures of another engine, whose conditions are expressions, and would sort their texts where it should hash them. What
 * has to be in an order is sorted all the same.
 */
const hashTexts = staticFragment((sql) => (hasKeys(sql) ? sql`set_config('enable_sort', 'off', true)` : sql`null`))

/** The row without its bounds. What the message says of secrets is masked. */
function clusterOf({ digits, ...row }: ClusterRow, masked: (text: string) => string): Cluster {
  return {
    cluster: digits === null ? restOfClusters : clusterId(digits),
    status: row.status,
    error_code: row.error_code,
    pattern: row.pattern && masked(row.pattern),
    count: row.count ?? 0,
    groups: row.groups ?? [],
    owners: row.owners ?? [],
    first_seen: row.first_seen,
    last_seen: row.last_seen,
    per_minute: row.per_minute ?? 0,
    sample_ids: newestOf(row.some_ids ?? []),
    domains: row.domains ?? [],
    domain_count: row.domain_count ?? 0,
    queue_count: row.queue_count ?? 0,
    group_count: row.group_count ?? 0,
    owner_count: row.owner_count ?? 0,
  }
}

const newestOf = (ids: readonly (string | null)[]): JobId[] =>
  [...new Set(ids)]
    .flatMap((id) => (id === null ? [] : [/^-?\d+$/.test(id) ? Number(id) : id]))
    .filter((id) => typeof id === 'string' || Number.isSafeInteger(id))
    .sort((one, other) => compareJobIds(other, one))
    .slice(0, 3)

const readExpired = (sql: Sql, request: Within<ClustersRequest>) => sql<ExpiredLeases[]>`
  select worker_id, job_type, count(*) as count, min(leased_until) filter (where isfinite(leased_until)) as oldest
  from (${expiredLeases(sql, request)}) as expired
  group by worker_id, job_type
  order by count desc, worker_id, job_type
  limit 100`
