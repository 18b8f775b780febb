import type { EngineCheckResult, IntegrityResult } from '../../../shared/changes/integrity.ts'
import type { JobFilter } from '../../../shared/jobs/job-filter.ts'
import type { Scope } from '../../../shared/scope.ts'
import { inFilter } from '../../database/job-filter.ts'
import type { Within } from '../../database/scope.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { limitReadTime, unlessOverdue } from '../../database/timeouts.ts'
import type { EngineCheck } from '../../engines/adapter.ts'
import { fromEachPlace } from '../../engines/served.ts'
import { filtersBesideScope } from './filtered.ts'

/** The most jobs of a kind that are counted, and those that are named. */
const mostCounted = 10_000
const mostNamed = 20

type Asked = Within<Scope & JobFilter>

/** Checks the jobs of other engines, each check within the time of a read; undefined where the jobs are our own. */
const checkEngines = (sql: Pool, asked: Asked): Promise<EngineCheckResult[] | undefined> =>
  fromEachPlace(sql, async ({ adapter, found }, of) => {
    const { domain } = found
    if (asked.domain !== undefined && asked.domain !== domain) return []
    const results: EngineCheckResult[] = []
    for (const check of (await adapter.checks?.(of, found, asked)) ?? []) {
      const { title, instead } = check
      const read = await of
        .begin(async (tx) => {
          await tx`select ${limitReadTime(tx)}`
          return readCheck(tx, check, { ...asked, domain })
        })
        .catch(unlessOverdue)
      results.push({ check: check.check, domain, title, ...(read ?? { jobs: null, at_least: true, ids: [] }), instead })
    }
    return results
  })

type Read = Pick<EngineCheckResult, 'at_least' | 'ids'> & { jobs: number }

async function readCheck(sql: Sql, { candidates, isOfKeys }: EngineCheck, asked: Asked): Promise<Read> {
  if (isOfKeys && isFiltered(asked)) return { jobs: 0, at_least: false, ids: [] }
  const ofJobs = sql`
      select jobs.id
      from (select queue as in_queue, native_id as with_id from candidates where is_broken) as one
      cross join lateral (
        select jobs.* from jobs where jobs.queue = one.in_queue and jobs.native_id = one.with_id offset 0
      ) as jobs
      where true ${inFilter(sql, asked)}`
  const ofKeys = sql`select queue || '/' || native_id as id from candidates where is_broken`
  const [row] = await sql<[Read]>`
    with candidates as materialized (${candidates}),
    broken as materialized (
      ${isOfKeys ? ofKeys : ofJobs}
      ${sql.unsafe(`limit ${mostCounted + 1}`)}
    )
    select
      least((select count(*) from broken), ${mostCounted}::int) as jobs,
      (select count(*) > ${mostCounted}::int from broken) or coalesce((select bool_or(is_cut) from candidates), false) as at_least,
      (
        select coalesce(jsonb_agg(id), '[]') from (select id from broken order by id limit ${mostNamed}) as first
      ) as ids`
  return { ...row }
}

/** Whether a request names more than a domain and a queue. */
const isFiltered = ({ job_type, status, within, ...asked }: Asked): boolean =>
  (within?.job_types.length ?? 0) > 0 ||
  Object.values({ job_type, status, ...filtersBesideScope(asked) }).some((value) => value !== undefined)

/**
 * The answer to a call that only counts. Jobs of another engine have no lease while they do not run, so that none has a wrong one.
 * @returns undefined where the jobs are our own
 */
export async function answerOfChecks(sql: Pool, asked: Asked): Promise<IntegrityResult | undefined> {
  const checks = await checkEngines(sql, asked)
  if (!checks) return undefined
  const lost = checks.filter(({ check }) => check === 'expired' || check === 'heartbeat_lost')
  return {
    non_processing_with_lease: 0,
    processing_expired: lost.reduce((all, { jobs }) => all + (jobs ?? 0), 0),
    fixed: 0,
    checks,
  }
}

/** How many jobs each check found, for metrics; a check that took too long is left out. Undefined where the jobs are our own. */
export async function countFound(sql: Pool): Promise<Record<string, number> | undefined> {
  const counts: Record<string, number> = {}
  const checks = await checkEngines(sql, { within: undefined })
  for (const { check, jobs } of checks ?? []) if (jobs !== null) counts[check] = (counts[check] ?? 0) + jobs
  return checks && counts
}
