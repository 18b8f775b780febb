import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { BrokenRule, Policy, RuleState } from '../../../shared/policy/policy.ts'
import { timesAfter } from '../../../shared/policy/schedule.ts'
import { Count } from '../../../shared/scope.ts'
import type { ServerContext } from '../../call.ts'
import { freezeClause, readFreeze } from '../../database/installation/freeze.ts'
import { readDifferences } from '../../database/installation/installation.ts'
import { jsonOf } from '../../database/lossless-json.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { findAuthor } from './author.ts'
import { ruleOf } from './rule-row.ts'

/** Who applied the policy, as `jobsctl_settings` has it. */
const Applied = z.object({
  revision: Count,
  caller: z.string(),
  name: z.string(),
  at: z.iso.datetime(),
  reason: z.string().nullable(),
  /** The plan by which another principal approved it: its runs need no approval of their own. */
  approved: z
    .object({
      plan: z.number(),
      digest: z.string(),
      author: z.string(),
      approver: z.string(),
      principals: z.object({ author: z.string(), approver: z.string() }),
    })
    .optional(),
})
export type Applied = z.output<typeof Applied>

/** The row of the policy in `jobsctl_settings`. */
interface AppliedRow {
  text: string
  /** Undefined where no server of this version has written the text. */
  applied: Applied | undefined
}

/** Undefined before the first policy. */
export async function readApplied(sql: Sql): Promise<AppliedRow | undefined> {
  const [row] = await sql<{ text: string }[]>`select value as text from jobsctl_settings where name = 'policy'`
  return row && { ...row, applied: Applied.safeParse(jsonOf(row.text)).data }
}

/** Why no rule runs where nobody knows who has applied the policy, as a clause. */
export const unreadable =
  'somebody has changed or deleted the row policy of jobsctl_settings by hand, or a later version has written it'

type Run = NonNullable<RuleState['last']>
type Row = Omit<RuleState, 'rule' | 'last'> & { rule: string } & (Run | { state: null })

/** Each time is a column of its own, since PostgreSQL writes times in JSON with an offset in place of `Z`. */
const columns = staticFragment(
  (sql) => sql`
  name, rule, next_at,
  due_at, began_at, ended_at, state, operation_id, matched, complete, affected,
  greatest(0, coalesce(matched, 0) - affected) as left, missed, problem`,
)

/** How many times after the next one are told. */
const laterTimes = 2

/** The rules in the order of their file, and those that no server of this version runs. */
export async function readRules(sql: Sql): Promise<{ rules: RuleState[]; broken: BrokenRule[] }> {
  const rows = await sql<Row[]>`select ${columns(sql)} from jobsctl_policy_rules order by position, name`
  const [rules, broken]: [RuleState[], BrokenRule[]] = [[], []]
  for (const { name, rule, next_at, ...run } of rows) {
    const due_at = run.state === null ? null : run.due_at
    const read = ruleOf({ name, text: rule, next_at, due_at })
    if ('rule' in read) {
      const later = timesAfter(read.rule, new Date(next_at), laterTimes).map((time) => time.toISOString())
      rules.push({ name, rule: read.rule, next_at, later, last: run.state === null ? null : run })
    } else broken.push({ name, problem: read.problem })
  }
  return { rules, broken }
}

type Reading = Pick<ServerContext, 'sql' | 'authMode' | 'databaseAddress'>

/** The policy that is applied, with the last runs of its rules. */
export async function showPolicy(call: Reading): Promise<Policy> {
  const policy = await readPolicy(call)
  return { ...policy, stopped: policy.problem !== null }
}

async function readPolicy(call: Reading): Promise<Policy> {
  const [row, { rules, broken }] = await Promise.all([readApplied(call.sql), readRules(call.sql)])
  if (!row?.applied) {
    const isNone = !row && rules.length === 0 && broken.length === 0
    return { revision: 0, applied: null, problem: isNone ? null : unreadable, author_until: null, rules, broken }
  }
  const { revision, approved, ...who } = row.applied
  const by = { ...who, ...(approved && { plan: approved.plan }) }
  if (rules.length === 0) return { revision, applied: by, problem: null, author_until: null, rules, broken }
  const author = await findAuthor(call, who.caller).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'forbidden') return { problem: error.message.replace(/;.*/, '') }
    throw error
  })
  const problem = 'problem' in author ? author.problem : await backgroundPauseOf(call, broken)
  return { revision, applied: by, problem, author_until: 'until' in author ? author.until : null, rules, broken }
}

/** Why no server runs a rule now, as a clause; null where they do. */
async function backgroundPauseOf(
  { sql, databaseAddress }: Pick<ServerContext, 'sql' | 'databaseAddress'>,
  broken: readonly BrokenRule[],
): Promise<string | null> {
  const freeze = await readFreeze(sql)
  if (freeze) return freezeClause(freeze)
  const [difference] = await readDifferences(sql, databaseAddress)
  if (difference !== undefined) return `the database is a copy, or was moved or restored: ${difference}`
  const [late] = await sql<{ name: string; next_at: string }[]>`
    select name, next_at from jobsctl_policy_rules
    where next_at < now() - interval '10 minutes' and state is distinct from 'running'
      and name <> all(${broken.map(({ name }) => name)}::text[])
    order by next_at
    limit 1`
  return late ? `no server has begun ${late.name}, which is due since ${late.next_at}` : null
}
