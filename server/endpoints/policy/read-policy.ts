import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { Policy, RuleState } from '../../../shared/policy/policy.ts'
import { Rule } from '../../../shared/policy/rule.ts'
import type { Call } from '../../call.ts'
import { freezeClause, readFreeze } from '../../database/installation/freeze.ts'
import { readDifferences } from '../../database/installation/installation.ts'
import type { Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'
import { findAuthor } from './author.ts'

/** Who applied the policy, as `jobsctl_settings` has it. */
export const Applied = z.object({
  revision: z.number(),
  caller: z.string(),
  name: z.string(),
  at: z.string(),
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

/** Undefined before the first policy. */
export async function readApplied(sql: Sql): Promise<Applied | undefined> {
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'policy'`
  return row && Applied.parse(JSON.parse(row.value))
}

type Run = NonNullable<RuleState['last']>
type Row = Omit<RuleState, 'rule' | 'last'> & { rule: string } & (Run | { state: null })

/** Each time is a column of its own, since PostgreSQL writes times in JSON with an offset in place of `Z`. */
const columns = staticFragment(
  (sql) => sql`
  name, rule, next_at,
  due_at, began_at, ended_at, state, operation_id, matched, complete, affected,
  greatest(0, coalesce(matched, 0) - affected) as left, missed, problem`,
)

/** The rules in the order of their file. Those that only a later version knows are left out. */
export async function readRules(sql: Sql): Promise<RuleState[]> {
  const rows = await sql<Row[]>`select ${columns(sql)} from jobsctl_policy_rules order by position, name`
  return rows.flatMap(({ name, rule, next_at, ...run }) => {
    const known = Rule.safeParse(JSON.parse(rule))
    return known.success ? [{ name, rule: known.data, next_at, last: run.state === null ? null : run }] : []
  })
}

/** The policy that is applied, with the last runs of its rules. */
export async function showPolicy(call: Pick<Call, 'sql' | 'authMode' | 'place'>): Promise<Policy> {
  const [applied, rules] = await Promise.all([readApplied(call.sql), readRules(call.sql)])
  if (!applied) return { revision: 0, applied: null, problem: null, author_until: null, rules: [] }
  const { revision, approved, ...who } = applied
  const by = { ...who, ...(approved && { plan: approved.plan }) }
  if (rules.length === 0) return { revision, applied: by, problem: null, author_until: null, rules }
  const author = await findAuthor(call, applied.caller).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'forbidden') return { problem: error.message.replace(/;.*/, '') }
    throw error
  })
  const problem = 'problem' in author ? author.problem : await standstillOf(call)
  return { revision, applied: by, problem, author_until: 'until' in author ? author.until : null, rules }
}

/** Why no server runs a rule now, as a clause; null where they do. */
async function standstillOf({ sql, place }: Pick<Call, 'sql' | 'place'>): Promise<string | null> {
  const freeze = await readFreeze(sql)
  if (freeze) return freezeClause(freeze)
  const [difference] = await readDifferences(sql, place)
  if (difference !== undefined) return `the database is a copy, or was moved or restored: ${difference}`
  const [late] = await sql<{ name: string; next_at: string }[]>`
    select name, next_at from jobsctl_policy_rules
    where next_at < now() - interval '10 minutes' and state is distinct from 'running'
    order by next_at
    limit 1`
  return late ? `no server has begun ${late.name}, which is due since ${late.next_at}` : null
}
