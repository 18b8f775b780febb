import * as z from 'zod'
import type { Verb } from '../../../shared/engine/verbs.ts'
import type { Fragment, Pool, Sql } from '../../database/sql.ts'
import type { Place } from '../served.ts'

/** A part of a plan of PostgreSQL. */
interface PlanNode {
  'Node Type': string
  'Relation Name'?: string | undefined
  'Index Name'?: string | undefined
  Plans?: PlanNode[] | undefined
}
const PlanNode: z.ZodType<PlanNode> = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  'Index Name': z.string().optional(),
  get Plans() {
    return z.array(PlanNode).optional()
  },
})
const Explained = z.array(z.object({ Plan: PlanNode }))

/** How PostgreSQL finds the jobs of a call. */
interface CallPlan {
  call: string
  /** Indexes that it uses; empty where it reads the whole table. */
  indexes: string[]
}

interface Asked {
  call: string
  verb: Verb
  /** A query of the jobs, as the call has it. */
  of: (sql: Sql) => Fragment
}

type AtPlace = Pick<Place, 'adapter' | 'found'>

const monthAgo = (sql: Sql) => sql`now() - interval '30 days'`

/** The queries of the calls. Their conditions are those of the calls, so that a plan is not better than what will run. */
const calls = ({ adapter, found }: AtPlace): Asked[] => [
  {
    call: 'stats',
    verb: 'stats',
    of: (sql) => sql`select domain, queue, job_type, status, count(*) from jobs group by 1, 2, 3, 4`,
  },
  { call: 'list', verb: 'list', of: (sql) => sql`select * from jobs order by created_at desc, id desc limit 101` },
  {
    call: 'list --status failed',
    verb: 'list',
    of: (sql) =>
      sql`select * from jobs where ${adapter.hasState(sql, ['failed'])} order by created_at desc, id desc limit 101`,
  },
  {
    call: 'show',
    verb: 'show',
    of: (sql) => sql`select * from jobs where native_id = (select native_id from jobs limit 1)`,
  },
  {
    call: 'prune',
    verb: 'prune',
    of: (sql) => sql`
      select * from jobs
      where status in ('completed', 'failed', 'cancelled', 'quarantined')
        and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < ${monthAgo(sql)}
        and ${adapter.writes.endedBefore?.(sql, found, monthAgo(sql)) ?? sql`true`}`,
  },
  { call: 'retry', verb: 'retry', of: (sql) => sql`select * from jobs where status = 'failed'` },
  { call: 'cancel', verb: 'cancel_queued', of: (sql) => sql`select * from jobs where status = 'queued'` },
]

/**
 * How PostgreSQL finds the jobs of each call that the map allows, by an index where there is one that serves the call: that of a small table
 * is used once the table is larger. Nothing is run.
 */
export const readPlans = (sql: Pool, place: AtPlace): Promise<CallPlan[]> =>
  sql.begin('read only', async (tx) => {
    await tx`set local enable_seqscan = off`
    const plans = []
    for (const { call, verb, of } of calls(place)) {
      if (place.adapter.can[verb] !== true) continue
      const [row] = await tx`explain (format json) ${of(tx)}`
      const [explained] = Explained.parse(row?.['QUERY PLAN'])
      plans.push({ call, indexes: explained ? indexesOf(explained.Plan) : [] })
    }
    return plans
  })

/** The indexes of a plan; empty where a part of it reads a table whole, but for a subselect. */
function indexesOf(plan: PlanNode): string[] {
  const names: string[] = []
  const visit = (node: PlanNode): boolean => {
    if (node['Node Type'] === 'Seq Scan') return false
    if (node['Index Name'] !== undefined) names.push(node['Index Name'])
    return (node.Plans ?? []).every(visit)
  }
  return visit(plan) ? [...new Set(names)] : []
}
