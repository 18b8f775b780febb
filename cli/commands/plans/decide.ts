import * as z from 'zod'
import { scopeText } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import { approvePlan, rejectPlan, showPlan as showing, type WholePlan } from '../../../shared/plans/plans.ts'
import { FirstRun } from '../../../shared/policy/policy.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately, checkImmediate } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { groupedDigits, jobsText } from '../../text/numbers.ts'
import { scopeName } from '../../text/scope-text.ts'
import { authorText, tellEvidence } from './agent.ts'

const decisions = {
  approve: { endpoint: approvePlan, done: 'Approved' },
  reject: { endpoint: rejectPlan, done: 'Rejected' },
} as const

/**
 * Reads a plan, says what it would do, and decides with the digest of what was read.
 * @throws Failure `usage` with `--curl`, which knows no digest; `not_found`, `forbidden`, `conflict`, `preview_stale`
 */
export async function decidePlan(context: Context, id: string, decision: keyof typeof decisions): Promise<Ending> {
  const { print, another } = context
  if (context.settings.curl)
    throw new Failure('usage', `--curl: ${decision} reads the plan first, whose digest it sends; nothing was changed`, {
      hint: `${another(['plans', 'show', id])} --json shows the digest`,
    })
  await checkImmediate(context)
  const plan = (await (await context.client()).call(showing, { id })).body
  print.aside(summaryOf(plan))
  tellEvidence(context, plan)
  const { endpoint, done } = decisions[decision]
  const request = { id, digest: plan.digest }
  const decided = await changeImmediately(context, { endpoint, request, look: another(['plans', 'show', id]) })
  if (!decided) return 'ok'
  const next = decision === 'approve' ? `   To apply it:  ${another(['apply', id, '--yes'])}` : ''
  print.sentence(decided, `${done} plan ${decided.id}.${next}`, 'done')
  return 'ok'
}

/** How many jobs of the plan are changed first; undefined where all are changed at once. */
export const limitOf = ({ request }: Pick<WholePlan, 'request'>): number | undefined =>
  typeof request.limit === 'number' ? request.limit : undefined

/** `plan 12 of alice: prune of 9,500 jobs in chatbooks, of which 9,480 still match ("disk is full")` */
export function summaryOf(whole: WholePlan): string {
  const { id, kind, count, dependents, still_matching, reason, scope, ...plan } = whole
  const by = escaped(authorText(whole))
  const along = dependents === 0 ? '' : `, and ${jobsText(dependents)} along`
  const { dependents_elsewhere: elsewhere = 0 } = plan.preview
  const outside = elsewhere === 0 ? '' : `, and ${jobsText(elsewhere)} outside of the scope of its author along`
  const within = scope === null ? '' : `, within ${escaped(scopeText(scope))}`
  const limit = limitOf(plan)
  const first = limit === undefined || limit >= count ? '' : `, ${groupedDigits(limit)} of them first`
  const still =
    still_matching === null || still_matching === count ? '' : `, of which ${jobsText(still_matching)} still match`
  if (kind === 'policy')
    return `plan ${id} of ${by}: a policy ${firstRunsText({ count: still_matching ?? count, preview: plan.preview })} (${escaped(JSON.stringify(reason))})`
  return `plan ${id} of ${by}: ${escaped(kind)} of ${jobsText(count)}${first}${along}${outside} in ${escaped(scopeName(plan))}${within}${still} (${escaped(JSON.stringify(reason))})`
}

const FirstRuns = z.object({ first_runs: z.array(FirstRun) })

/** `whose first runs change 5 jobs`; a run that was not counted in time is in the number with the most that its rule allows. */
export function firstRunsText({ count, preview }: Pick<WholePlan, 'count' | 'preview'>): string {
  const runs = FirstRuns.safeParse(preview).data?.first_runs ?? []
  const uncounted = runs.filter(({ would_change, at_most = would_change }) => would_change !== at_most).length
  if (uncounted === 0) return `whose first runs change ${jobsText(count)}`
  const which = uncounted === 1 ? '1 run was' : `${groupedDigits(uncounted)} runs were`
  return `whose first runs change at most ${jobsText(count)} by the max of their rules (${which} not counted in time)`
}

/** The id of a plan or an operation, as it was typed. @throws Failure `usage` */
export function planId({ another }: Context, command: string, given: string | undefined): string {
  if (given !== undefined && /^[1-9]\d{0,15}$/.test(given)) return given
  throw new Failure('usage', `${command} needs a whole number, such as 12; nothing was changed`, {
    hint: `${another(['plans'])} shows the plans`,
  })
}
