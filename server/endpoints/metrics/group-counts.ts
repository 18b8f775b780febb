import type { GroupStats } from '../../../shared/queues/stats.ts'
import { cellSums, countedCells, trustCondition } from '../../counts/trust.ts'
import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { stats, statsFromJobs } from '../queues/stats.ts'

/** A row without names where there is no group. */
type Row = GroupStats & { trusted: boolean; domain: string | null }

/**
 * Counts of live jobs by group, of the groups that have one. In contrast to stats, jobs that fall due within two minutes are queued and not
 * scheduled, and groups are not looked for in the jobs. Each of both would look into an index for each group. Counts that cannot be trusted
 * are those of the jobs.
 */
export async function countGroups(sql: Sql): Promise<readonly GroupStats[]> {
  if (servedBy(sql).mode !== 'own') return (await stats({ sql }, {})).filter(isLive)
  const asked = sql<Row[]>`
    select
      trusted, domain, queue, job_type,
      queued - later as queued, later as scheduled, processing, quarantined
    from (${trustCondition(sql)}) as trust
    left join (
      select domain, queue, job_type, ${cellSums(sql)}
      from (${countedCells(sql)}) as cells
      group by domain, queue, job_type
    ) as counted on true`
  // The statement is sent in this moment, so that a caller can send a hint of the planner behind it.
  const rows = await asked.execute()
  const groups = rows.filter(({ domain }) => domain !== null)
  const counts = rows.every(({ trusted }) => trusted) && groups.every(isValid) ? groups : await statsFromJobs(sql, {})
  return counts.filter(isLive)
}

const isLive = ({ queued, scheduled, processing, quarantined }: GroupStats): boolean =>
  queued + scheduled + processing + quarantined > 0

const isValid = ({ queued, scheduled, processing, quarantined }: GroupStats): boolean =>
  Math.min(queued, scheduled, processing, quarantined) >= 0
