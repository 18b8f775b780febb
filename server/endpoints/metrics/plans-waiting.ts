import { readOrigin } from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import { readUnended, stateOf } from '../plans/plan-row.ts'

/** How many plans wait for a second person: not those that nobody can apply any more, after a failover or without their author. */
export async function countWaitingPlans(sql: Sql): Promise<number> {
  const plans = (await readUnended(sql)).filter(({ decision }) => decision === null)
  if (plans.length === 0) return 0
  const origin = await readOrigin(sql)
  return plans.filter((plan) => stateOf(plan, origin) === 'waiting').length
}
