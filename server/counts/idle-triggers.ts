import type { IdleTrigger } from '../../shared/doctor/idle-trigger.ts'
import type { Sql } from '../database/sql.ts'

/**
 * The triggers that do not fire.
 * @param names the triggers that each table has
 * @param tables the ids of the tables; `jobs` where they are absent
 */
export const findIdleTriggers = async (
  sql: Sql,
  { names, tables }: { names: readonly string[]; tables?: readonly number[] },
): Promise<IdleTrigger[]> => [
  ...(await sql<IdleTrigger[]>`
    select name as trigger, pg_class.oid::regclass::text as table,
      case when tgname is null then 'missing' else 'disabled' end as state
    from pg_class
    cross join unnest(${names}::text[]) as name
    left join pg_trigger on tgrelid = pg_class.oid and tgname = name
    where (tgname is null or tgenabled not in ('O', 'A'))
      and pg_class.oid = any(coalesce(${tables ? `{${tables.join(',')}}` : null}::text::oid[], array[to_regclass('jobs')::oid]))
    order by pg_class.oid, name`),
]

/** `a trigger of jobs is missing or disabled: jobsctl_count_update is disabled` */
export const sentenceOf = (idle: readonly IdleTrigger[]): string =>
  ['a trigger of jobs is missing or disabled', idle.map(textOf).join(', ')].filter((part) => part !== '').join(': ')

/** The table is named where it is a partition. */
const textOf = ({ trigger, table, state }: IdleTrigger): string =>
  `${trigger}${/(^|\.)jobs$/.test(table) ? '' : ` of ${table}`} is ${state}`
