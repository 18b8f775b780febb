import type { Pool } from '../../../server/database/sql.ts'
import { Policy, type RuleState } from '../../../shared/policy/policy.ts'
import { until } from '../poll.ts'
import type { World } from '../world.ts'

const path = '/api/v1/jobs/policy'

const far = new Date(Date.now() + 12 * 3_600_000)
/** A time of each day in UTC that is twelve hours away: no rule becomes due by itself in a test, whenever it runs. */
export const farTime = `${far.getUTCMinutes()} ${far.getUTCHours()} * * *`
const daily = { at: farTime, time_zone: 'UTC', max: 1000, mode: 'apply' }

/** A rule that prunes chatbooks at night. */
export const pruning = (more: object = {}) => ({
  ...{ name: 'finished', domain: 'chatbooks', prune: { statuses: ['completed'], older_than_days: 30 }, ...daily },
  ...more,
})

/** A rule that ends what waits for a day. */
export const sweeping = (more: object = {}) => ({
  ...{ name: 'stuck', domain: 'chatbooks', sweep: { age_seconds: 86_400, action: 'fail' }, ...daily },
  ...more,
})

type Headers = Record<string, string>

export const policyOf = async (world: World, headers?: Headers): Promise<Policy> =>
  Policy.parse((await world.call('GET', path, undefined, headers)).body)

/** Applies rules in place of those that are applied. */
export async function applyRules(world: World, rules: object[], headers?: Headers) {
  const { revision } = await policyOf(world, headers)
  return world.confirm(path, { rules, revision }, headers)
}

/** Makes a rule due, as if so many seconds had gone since its time. */
export const makeDue = (sql: Pool, name: string, secondsAgo = 1) => sql`
  update jobsctl_policy_rules set next_at = clock_timestamp() - ${secondsAgo}::int * interval '1 second' where name = ${name}`

/** Waits until the run of a rule has ended that is not the one before. */
export async function endOfRun(
  world: World,
  name: string,
  before?: RuleState,
  headers?: Headers,
): Promise<NonNullable<RuleState['last']>> {
  const ended = await until(`the run of ${name} has ended`, async () => {
    const last = (await policyOf(world, headers)).rules.find((rule) => rule.name === name)?.last
    return last?.ended_at != null && last.due_at !== before?.last?.due_at ? last : undefined
  })
  return ended
}
