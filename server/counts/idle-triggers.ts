import { areBeingBuilt, type IdleTrigger } from '../../shared/doctor/idle-trigger.ts'
import type { Sql } from '../database/sql.ts'

/**
 * The triggers that do not fire. One that is missing counts as being built while a session builds an index of its table: PostgreSQL
 * creates no trigger meanwhile, and the server does so when the build is over.
 * @param names the triggers that each table has
 * @param tables the ids of the tables; `jobs` where they are absent
 */
export const findIdleTriggers = async (
  sql: Sql,
  { names, tables }: { names: readonly string[]; tables?: readonly number[] },
): Promise<IdleTrigger[]> => [
  ...(await sql<IdleTrigger[]>`
    select name as trigger, pg_class.oid::regclass::text as table,
      case
        when tgname is not null then 'disabled'
        when has_table_privilege(pg_class.oid, 'trigger')
          and exists (select from pg_stat_progress_create_index where relid = pg_class.oid)
        then 'building'
        else 'missing'
      end as state
    from pg_class
    cross join unnest(${names}::text[]) as name
    left join pg_trigger on tgrelid = pg_class.oid and tgname = name
    where (tgname is null or tgenabled not in ('O', 'A'))
      and pg_class.oid = any(coalesce(${tables ? `{${tables.join(',')}}` : null}::text::oid[], array[to_regclass('jobs')::oid]))
    order by pg_class.oid, name`),
]

/**
 * `a trigger of jobs is missing or disabled: jobsctl_count_update is disabled`, or where all follow an index:
 * `an index of jobs is being built, and after it the triggers jobsctl_count_insert, jobsctl_count_update`
 */
export function sentenceOf(idle: readonly IdleTrigger[]): string {
  if (areBeingBuilt(idle))
    return `an index of jobs is being built, and after it the triggers ${idle.map(nameOf).join(', ')}`
  const texts = idle.map((one) => `${nameOf(one)} is ${one.state === 'building' ? 'being built' : one.state}`)
  return ['a trigger of jobs is missing or disabled', texts.join(', ')].filter((part) => part !== '').join(': ')
}

/** The table is named where it is a partition. */
const nameOf = ({ trigger, table }: IdleTrigger): string =>
  `${trigger}${/(^|\.)jobs$/.test(table) ? '' : ` of ${table}`}`
