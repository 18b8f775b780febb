import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import type { EnginePlace } from '../writes.ts'

/** An SQL expression on `jobs`: the state that a job has when it is retried, as text. */
export const stateOfRetry = (sql: Sql): Fragment =>
  sql`(case jobs.native_state when 'cancelled' then 'created' else 'retry' end)`

/**
 * An SQL condition on `jobs`, or on a row of the archive, never null: another job has the place that the job would take in a state. Unique indexes of
 * pg-boss keep these places: by the policy of the queue, by a time slot, and from schema 46 on for jobs that are updated by their key. The case keeps
 * the planner from a join of all ended jobs with all others: most queues have no such policy.
 * @param state an expression of type text
 * @param keepsUpsert the job is still to be updated by its key
 */
export function isPlaceTaken(sql: Sql, found: Found, state: Fragment, keepsUpsert: boolean): Fragment {
  const others = (where: Fragment) => sql`exists (
    select from ${sql.unsafe(`${found.schema}.job`)} as other
    where other.name = jobs.queue and other.id <> jobs.native_id and ${where} offset 0
  )`
  const sameKey = sql`coalesce(other.singleton_key, '') = coalesce(jobs.batch_group, '')`
  const upserted =
    keepsUpsert && found.columns.has('upsert_by_key')
      ? sql`or (${state} = 'created' and jobs.native_image ->> 'upsert_by_key' = 'true' and ${others(sql`
          other.singleton_key = jobs.batch_group and other.state = 'created' and other.upsert_by_key`)}) is true`
      : sql``
  return sql`(
    case jobs.native_policy
      when 'exclusive' then ${state} in ('created', 'retry', 'active')
        and ${others(sql`${sameKey} and other.state <= 'active' and other.policy = 'exclusive'`)}
      when 'stately' then ${state} in ('created', 'retry', 'active')
        and ${others(sql`${sameKey} and other.state <= 'active' and other.policy = 'stately'
          and other.state = ${state}::${sql.unsafe(found.schema)}.job_state`)}
      when 'short' then ${state} = 'created' and ${others(sql`${sameKey} and other.state = 'created' and other.policy = 'short'`)}
      when 'key_strict_fifo' then ${state} in ('active', 'retry', 'failed')
        and ${others(sql`other.singleton_key = jobs.batch_group and other.state in ('active', 'retry', 'failed')
          and other.policy = 'key_strict_fifo'`)}
      else false
    end
    or (
      jobs.native_singleton_on is not null and ${state} <> 'cancelled'
      and ${others(sql`${sameKey} and other.singleton_on = jobs.native_singleton_on and other.state <> 'cancelled'`)}
    )
    ${upserted}
  )`
}

/** The place of a key in its queue. */
export const placeOfKey = (sql: Sql): Fragment => sql`array[jobs.queue, coalesce(jobs.batch_group, '')]`

/**
 * The place that its policy gives to an ended job when it is retried, and the one that its time slot does. Several ended jobs may want the same place, of
 * which one gets it.
 */
export function placesOfRetry(sql: Sql): EnginePlace[] {
  const ofKey = placeOfKey(sql)
  const ofSlot = sql`(${ofKey} || jobs.native_singleton_on::text)`
  return [
    {
      wanted: sql`(case
        when jobs.native_policy = 'exclusive' then ${ofKey}
        when jobs.native_policy = 'stately' then ${ofKey} || ${stateOfRetry(sql)}
        when jobs.native_policy = 'short' and jobs.native_state = 'cancelled' then ${ofKey}
      end)`,
      compared: ofKey,
      had: ofKey,
    },
    {
      wanted: sql`(case when jobs.native_state = 'cancelled' and jobs.native_singleton_on is not null then ${ofSlot} end)`,
      compared: ofSlot,
      had: ofSlot,
    },
  ]
}
