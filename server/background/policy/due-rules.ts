import type { Rule } from '../../../shared/policy/rule.ts'
import { nextTime, timesBetween } from '../../../shared/policy/schedule.ts'
import { isShownTime, type Pool, type Sql, staticFragment } from '../../database/sql.ts'
import { ruleOf } from '../../endpoints/policy/rule-row.ts'
import type { Log } from '../../log/log.ts'

/** A run without an operation belongs to its server for this number of seconds after it was last touched. */
const heldSeconds = 10

/** A run of a rule that this server has taken. */
export interface TakenRun {
  rule: Rule
  /** The rule as the database has it, by which a rule that was changed meanwhile is noticed. */
  text: string
  /** The time for which it runs. */
  due: string
  /** When its first server took it, in seconds since 1970: the same time is due twice where the clock of the database was set back. */
  began: string
  /** Servers that took this run and may have died with it, this one included. */
  attempts: number
}

interface Row {
  name: string
  text: string
  next_at: string
  due_at: string | null
  waiting: boolean
  missed: number
  attempts: number
  now: string
}

/**
 * Takes a rule whose time has come, or whose server has died before its run had an operation. Several times that have passed are one
 * run. Of several servers one gets it. A rule whose time never comes, such as `infinity`, is passed over at once.
 * @returns undefined where no rule is due, and `passed over` where one is that this version cannot run: there may be more
 * @param passedOver rows that this version cannot run, as the database has them, each of which has been logged once
 */
export const takeRun = (
  sql: Pool,
  passedOver: Set<string>,
  log: Pick<Log, 'warn'>,
): Promise<TakenRun | 'passed over' | undefined> =>
  sql.begin(async (tx) => {
    const [row] = await tx<(Row & { key: string })[]>`
      select ${keyOf(tx)} as key, name, rule as text, next_at, case when state is not null then due_at end as due_at, state is not distinct from 'running' as waiting, missed, attempts,
        clock_timestamp() as now
      from jobsctl_policy_rules
      where case when state = 'running' then ${isLeft(tx)} else next_at <= now() or not ${isShownTime(tx, tx`next_at`)} end
        and ${keyOf(tx)} <> all(${[...passedOver]}::text[])
      order by next_at, name
      limit 1
      for update skip locked`
    if (!row) return undefined
    const read = ruleOf(row)
    if ('rule' in read) return take(tx, row, read.rule)
    passedOver.add(row.key)
    log.warn(`rule ${JSON.stringify(row.name)} of the policy does not run: ${read.problem}`)
    return 'passed over' as const
  })

/**
 * True for a run that no server has now. A time to which none holds a run, such as `infinity`, is one that somebody has written by hand, or
 * the clock of the database was set back. An operation whose record was deleted by hand never ends.
 */
const isLeft = staticFragment(
  (sql) => sql`
  (not exists (select from job_operations as record where record.id = operation_id)
    and coalesce(held_until not between now() and now() + interval '1 minute', true))`,
)

/** A row with what a server reads of it: one that was passed over is looked at again when somebody has changed it. */
const keyOf = (sql: Sql) => sql`concat_ws(' ', name, rule, next_at, due_at)`

async function take(tx: Sql, row: Row, rule: Rule): Promise<TakenRun> {
  const { due, next, missed, isSame } = timesOf(row, rule)
  const attempts = isSame ? row.attempts + 1 : 1
  const [{ began }] = await tx<[{ began: string }]>`
    update jobsctl_policy_rules
    set state = 'running', due_at = ${due}::text::timestamptz, next_at = ${next}::text::timestamptz, missed = ${missed}::int,
        began_at = case when ${isSame}::bool then began_at else now() end, ended_at = null, attempts = ${attempts}::int,
        operation_id = null, matched = null, complete = true, affected = 0, problem = null, ${heldUntil(tx)}
    where name = ${row.name}
    returning extract(epoch from began_at)::text as began`
  return { rule, text: row.text, due, began, attempts }
}

/**
 * Corrects next times beyond the first one after now: the clock of the database was ahead when they were written. A time for which the rule
 * has run does not come again where the clock was set back a little.
 */
export async function correctTimes(sql: Sql): Promise<void> {
  const rows = await sql<(Pick<Row, 'name' | 'text' | 'next_at' | 'now'> & { due_at: null })[]>`
    select name, rule as text, next_at, null as due_at, clock_timestamp() as now
    from jobsctl_policy_rules
    where state is distinct from 'running' and next_at > clock_timestamp()`
  for (const row of rows) {
    const read = ruleOf(row)
    const next = 'rule' in read ? nextTime(read.rule, new Date(row.now))?.toISOString() : undefined
    if (next === undefined || new Date(next) >= new Date(row.next_at)) continue
    await sql`
      update jobsctl_policy_rules
      set next_at = ${next}::text::timestamptz
      where name = ${row.name} and rule = ${row.text} and next_at = ${row.next_at}::text::timestamptz
        and (due_at between ${next}::text::timestamptz and now() + interval '1 hour') is not true`
  }
}

/** The next time of a rule whose times have all passed. */
const lastTime = '9999-12-31T00:00:00Z'

/** The time for which the rule runs now, the next one, and how many have passed without a run. */
function timesOf({ next_at, due_at, waiting, missed, now }: Row, rule: Rule) {
  const [first, until] = [new Date(next_at), new Date(now)]
  if (waiting && due_at !== null && first > until)
    return { due: new Date(due_at).toISOString(), next: next_at, missed, isSame: true }
  const passed = [first, ...timesBetween(rule, first, until)]
  const due = passed.at(-1) ?? first
  const next = nextTime(rule, until)?.toISOString() ?? lastTime
  return { due: due.toISOString(), next, missed: passed.length - 1 + (waiting ? missed + 1 : 0), isSame: false }
}

const heldUntil = (sql: Sql) => sql`held_until = clock_timestamp() + ${heldSeconds}::int * interval '1 second'`

const isOfRun = (sql: Sql, { rule, due }: TakenRun) => sql`
  name = ${rule.name} and state = 'running' and due_at = ${due}::text::timestamptz and operation_id is null`

/** Keeps a run for this server while it counts jobs. @returns false where the rule was removed or changed meanwhile, or is another server's */
export async function holdRun(sql: Sql, run: TakenRun): Promise<boolean> {
  const { count } = await sql`
    update jobsctl_policy_rules set ${heldUntil(sql)} where ${isOfRun(sql, run)} and rule = ${run.text}`
  return count > 0
}

/** What a preview has counted. */
export interface Counted {
  count: number
  complete: boolean
}

/** Notes that the run is an operation now, which ends without this server, too. */
export const noteBegun = (
  sql: Sql,
  run: TakenRun,
  { operation, count, complete }: Counted & { operation: number },
) => sql`
  update jobsctl_policy_rules
  set operation_id = ${operation}::bigint, matched = ${count}::bigint, complete = ${complete}::bool, attempts = 0
  where ${isOfRun(sql, run)}`

interface Closing extends Partial<Counted> {
  state: 'done' | 'reported' | 'failed' | 'refused'
  problem?: string
}

/** Notes the end of a run that is no operation. */
export const closeRun = (sql: Sql, run: TakenRun, { state, problem, count, complete = true }: Closing) => sql`
  update jobsctl_policy_rules
  set state = ${state}, problem = ${problem ?? null}::text, matched = ${count ?? null}::bigint, complete = ${complete}::bool,
      ended_at = clock_timestamp()
  where ${isOfRun(sql, run)}`

/** Leaves a run that cannot begin now to the server that looks first after a while. This server has not died with it. */
export const postponeRun = (sql: Sql, run: TakenRun, { seconds, problem }: { seconds: number; problem: string }) => sql`
  update jobsctl_policy_rules
  set held_until = clock_timestamp() + ${seconds}::int * interval '1 second', problem = ${problem}::text, attempts = attempts - 1
  where ${isOfRun(sql, run)}`

/** Notes the ends of runs whose operations have ended, on whichever server. */
export const closeEnded = (sql: Sql) => sql`
  update jobsctl_policy_rules as rule
  set state = case record.state when 'undone' then 'done' else record.state end, affected = record.affected,
      ended_at = record.ended_at, problem = record.error
  from job_operations as record
  where rule.state = 'running' and record.id = rule.operation_id and record.state <> 'running'`

/** True where no run is due for long, and the last run of each rule ended well. */
export async function isWell(sql: Sql): Promise<boolean> {
  const [row] = await sql<[{ well: boolean }]>`
    select
      count(*) > 0
        and count(*) filter (where state in ('partial', 'failed', 'refused') or problem is not null or next_at < now() or not ${isShownTime(sql, sql`next_at`)}) = 0
        as well
    from jobsctl_policy_rules`
  return row.well
}
