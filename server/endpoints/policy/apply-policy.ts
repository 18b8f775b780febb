import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../../shared/errors.ts'
import type { BrokenRule, FirstRun, RuleState } from '../../../shared/policy/policy.ts'
import { askedOfRule, type Rule } from '../../../shared/policy/rule.ts'
import { nextTime } from '../../../shared/policy/schedule.ts'
import { type ApprovedPlan, byCaller } from '../../bulk/change/commission.ts'
import { recordAct } from '../../bulk/record/act.ts'
import { planDetails } from '../../bulk/record/approved-plan.ts'
import type { Acting, Call, Requested, ServerContext } from '../../call.ts'
import { noteSuccess } from '../../database/installation/background-tasks.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { isShownTime, type Sql, type Transaction } from '../../database/sql.ts'
import { requireVerbs } from '../../engines/abilities.ts'
import { choicesOf, type Place, placeNamed, servedBy, severalDomains } from '../../engines/served.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { refuseApprovals, requireSmall } from './approval.ts'
import { findAuthor } from './author.ts'
import { type Applied, readApplied, readRules, showPolicy } from './read-policy.ts'
import { previewRule } from './rule-change.ts'

type Request = InputOf<'applyPolicy'>
type Answer = OutputOf<'applyPolicy'>

/**
 * Applies a policy in place of the one that is applied, on record. A rule that stays as it is keeps its next time and its last run.
 * @throws Failure `forbidden` for a caller whose rights the server cannot look up later; `conflict` for another revision; `frozen`;
 *   `approval_required` where a run may be larger than what the caller may change alone
 */
export async function applyPolicy(call: Call, request: Request): Promise<Answer> {
  await findAuthor(call, call.caller)
  if (call.authMode === 'single_user') refuseApprovals(request.rules)
  if (request.dry_run) return previewPolicy(call, request)
  await unlessFrozen(call.sql, (tx) => writePolicy(tx, call, request))
  return showPolicy(call)
}

/** @throws Failure `not_supported` for a rule whose change the engine cannot make */
export function requireRules(
  { sql, abilities, over }: Pick<Call, 'sql' | 'abilities' | 'over'>,
  rules: readonly Rule[],
): void {
  for (const rule of rules) {
    try {
      const place = placeOfRule(sql, rule)
      requireVerbs((place ? over(place).abilities : abilities)(), askedOfRule(rule))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw new Failure(error.code, `the rule ${rule.name}: ${error.message}`, { hint: error.hint })
    }
  }
}

/** The place that a rule is about. @throws Failure `not_supported` for a rule without one among several */
function placeOfRule(sql: Sql, { domain }: Rule): Place | undefined {
  const places = choicesOf(sql)
  const place = domain === undefined ? undefined : placeNamed(places, domain)
  if (!place && places.length > 0 && servedBy(sql).mode !== 'own') throw severalDomains(places)
  return place
}

/** What applying a policy would do. @throws Failure `conflict` for another revision; `not_supported` */
export async function previewPolicy(
  call: Call,
  { rules, revision }: Pick<Request, 'rules' | 'revision'>,
): Promise<Answer> {
  requireRules(call, rules)
  const [policy, first_runs] = [await showPolicy(call), await firstRuns(call, rules)]
  if (policy.revision !== revision) throw otherRevision(policy.revision)
  const isSame = isDeepStrictEqual(
    policy.rules.map(({ rule }) => rule),
    rules,
  )
  const isOwn = rules.length === 0 || policy.applied?.caller === call.caller
  return {
    ...policy,
    first_runs,
    would_change: !isSame || policy.broken?.length !== 0 || policy.problem !== null || !isOwn,
  }
}

/** Rules are counted one after the other for so long, in milliseconds; the others have no count. */
const countingMs = 10_000

async function firstRuns(call: Call, rules: readonly Rule[]): Promise<FirstRun[]> {
  const now = await readNow(call.sql)
  const end = performance.now() + countingMs
  const runs: FirstRun[] = []
  for (const rule of rules) {
    const next_at = timeAfter(rule, now)
    const counted = performance.now() < end ? await countOf(call, rule) : undefined
    runs.push({ name: rule.name, next_at, ...(counted ?? uncounted(rule)) })
  }
  return runs
}

type Counted = Omit<FirstRun, 'name' | 'next_at'>

const uncounted = ({ mode, max }: Rule): Counted => ({
  matched: null,
  complete: false,
  ...(mode === 'report' ? { would_change: 0, at_most: 0 } : { would_change: null, at_most: max }),
})

async function countOf(call: Call, rule: Rule): Promise<Counted | undefined> {
  const preview = await previewRule(call, byCaller(call), rule).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'preview_incomplete') return undefined
    throw error
  })
  if (!preview) return undefined
  const { count, complete = true } = preview
  if (rule.mode === 'report') return { matched: count, complete, would_change: 0, at_most: 0 }
  const would_change = Math.min(count, rule.max)
  return { matched: count, complete, would_change, at_most: complete ? would_change : rule.max }
}

/**
 * Writes the policy in place of the one that is applied, with the record of the act.
 * @param plan the plan that is applied, where there is one, with its preview
 * @throws Failure `conflict` for another revision; `approval_required`; `not_supported`
 */
export async function writePolicy(
  tx: Transaction,
  call: Pick<ServerContext, 'approvalAbove' | 'abilities' | 'sql' | 'over'> &
    Pick<Requested, 'idempotencyKey'> &
    Acting &
    ActingCall,
  { rules, revision }: Pick<Request, 'rules' | 'revision'>,
  plan?: { previewId: string; approved: ApprovedPlan },
): Promise<void> {
  const { caller, identity, reason = null } = call
  const { previewId, approved } = plan ?? {}
  requireRules(call, rules)
  if (!approved) await requireSmall(tx, call, rules)
  const now = await readNow(tx)
  const at = now.toISOString()
  const applied: Applied = {
    revision: revision + 1,
    caller,
    name: identity.name,
    at,
    reason,
    ...(approved && { approved }),
  }
  await replaceApplied(tx, applied)
  const { rules: before, broken } = await readRules(tx)
  await tx`delete from jobsctl_policy_rules where name <> all(${rules.map(({ name }) => name)}::text[])`
  await removeBroken(tx, broken)
  for (const [position, rule] of rules.entries()) await writeRule(tx, { rule, position, now, before })
  // The alert PolicyMissed counts from now on, and is silent where there is no rule.
  if (rules.length > 0) await noteSuccess(tx, 'policy')
  else await tx`update jobsctl_tasks set succeeded_at = null where task = 'policy'`
  await recordAct(tx, actorOf(call), {
    kind: 'policy.applied',
    // The plan of a policy is applied once; the same request again is answered by its record.
    ...(plan && { previewId, idempotencyKey: call.idempotencyKey }),
    details: {
      revision: applied.revision,
      rules,
      before: before.map(({ rule }) => rule),
      ...planDetails({ approved }),
    },
  })
}

/** @throws Failure `conflict` where another policy is applied than the one to be replaced */
async function replaceApplied(tx: Sql, applied: Applied): Promise<void> {
  const value = JSON.stringify(applied)
  const before = await readApplied(tx)
  const revision = before?.applied?.revision ?? 0
  if (revision !== applied.revision - 1) throw otherRevision(revision)
  const { count } = before
    ? await tx`update jobsctl_settings set value = ${value}::text where name = 'policy' and value = ${before.text}::text`
    : await tx`
      insert into jobsctl_settings (name, value) values ('policy', ${value}::text) on conflict (name) do nothing`
  if (count === 0) throw otherRevision((await readApplied(tx))?.applied?.revision ?? 0)
}

/** Removes rows whose last run has an odd time, so that their rules start again; a run that is an operation keeps its row. */
const removeBroken = (tx: Sql, broken: readonly BrokenRule[]) => tx`
  delete from jobsctl_policy_rules as rule
  where name = any(${broken.map(({ name }) => name)}::text[])
    and state is not null and not ${isShownTime(tx, tx`due_at`)}
    and not exists (select from job_operations as record where record.id = rule.operation_id and record.state = 'running')`

interface Writing {
  rule: Rule
  position: number
  now: Date
  before: readonly RuleState[]
}

/** Writes one rule. A rule with other times starts from its next time. A run that goes on is not touched, but for a time that is odd. */
const writeRule = (tx: Sql, { rule, position, now, before }: Writing) => {
  const known = before.find(({ name }) => name === rule.name)
  const isSameTime = known?.rule.at === rule.at && known.rule.time_zone === rule.time_zone
  const next_at = known && isSameTime ? known.next_at : timeAfter(rule, now)
  return tx`
    insert into jobsctl_policy_rules (name, position, rule, next_at)
    values (${rule.name}, ${position}::int, ${JSON.stringify(rule)}::text, ${next_at}::text::timestamptz)
    on conflict (name) do update
    set position = excluded.position, rule = excluded.rule, next_at = excluded.next_at,
        due_at = case when not ${isShownTime(tx, tx`jobsctl_policy_rules.due_at`)} then now() else jobsctl_policy_rules.due_at end`
}

const otherRevision = (revision: number): Failure =>
  new Failure('conflict', `another policy is applied: revision ${revision}; nothing was changed`, {
    hint: 'look at it, and apply again: jobsctl policy diff policy.yaml',
  })

const timeAfter = (rule: Rule, now: Date): string => {
  const next = nextTime(rule, now)
  if (next) return next.toISOString()
  throw new Failure('invalid_request', `rule ${rule.name}: no time of ${rule.at} comes; nothing was changed`)
}

async function readNow(sql: Sql): Promise<Date> {
  const [{ now }] = await sql<[{ now: string }]>`select clock_timestamp() as now`
  return new Date(now)
}
