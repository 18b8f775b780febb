import { Failure } from '../../../shared/errors.ts'
import { applyPlan as endpoint, type WholePlan } from '../../../shared/plans/plans.ts'
import type { Context } from '../../context.ts'
import { limitOf, overLimit } from '../../guard/limit.ts'
import { withLookCommand } from '../../guard/unknown-outcome.ts'
import type { Ending } from '../../output/print.ts'
import { summaryOf } from '../plans/decide.ts'
import { confirmPolicy } from '../policy/apply.ts'

/**
 * Confirms and applies the plan of a policy.
 * @throws Failure `not_found`, `forbidden`, `approval_required`, `conflict`, `preview_stale`, `confirmation_required`
 */
export async function applyPolicyPlan(context: Context, plan: WholePlan): Promise<Ending> {
  const { settings, print, another } = context
  const id = String(plan.id)
  const flag =
    settings.brake.rate !== undefined
      ? '--rate'
      : settings.brake.until !== undefined
        ? '--until'
        : settings.detach
          ? '--detach'
          : undefined
  if (flag)
    throw new Failure('usage', `${flag}: plan ${plan.id} applies a policy, and changes no jobs; nothing was changed`)
  const client = await context.client()
  const max = limitOf(context, client)
  const total = plan.still_matching ?? plan.count
  if (max !== undefined && total > max) {
    const apply = another(['apply', id, '--max', String(total)])
    const hint = `to apply it all the same: ${apply}; to take it back: ${another(['reject', id])}`
    throw overLimit(total, max, { hint })
  }
  if (settings.dryRun) {
    print.sentence({ dry_run: true, ...plan }, `would apply ${summaryOf(plan)}`, 'plain')
    return settings.detailedExitcode ? 'would_change' : 'ok'
  }
  print.aside(summaryOf(plan))
  const rules = Array.isArray(plan.request.rules) ? plan.request.rules.length : 0
  if (!settings.yes) await confirmPolicy(context, { client, total, rules, words: ['apply', id] })
  const sent = client.call(endpoint, { id, digest: plan.digest }, { confirmed: true })
  const { body } = await sent.catch((error: unknown) => {
    const look = `to see whether it was applied: ${another(['plans', 'show', id])}`
    throw error instanceof Failure ? withLookCommand(error, look) : error
  })
  print.sentence(body, `Applied plan ${id}, a policy.   See:  ${another(['policy', 'show'])}`, 'done')
  return 'ok'
}
