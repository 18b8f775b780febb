import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import { approvePlan, rejectPlan, showPlan as showing, type WholePlan } from '../../shared/plans/plans.ts'
import type { Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import { placeText } from '../output/place-text.ts'
import type { Ending } from '../output/print.ts'

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
export function summaryOf({
  id,
  author,
  author_principal,
  kind,
  count,
  dependents,
  still_matching,
  reason,
  ...plan
}: WholePlan): string {
  const along = dependents === 0 ? '' : `, and ${jobsText(dependents)} along`
  const limit = limitOf(plan)
  const first = limit === undefined ? '' : `, ${groupedDigits(limit)} of them first`
  const still =
    still_matching === null || still_matching === count ? '' : `, of which ${jobsText(still_matching)} still match`
  if (kind === 'policy')
    return `plan ${id} of ${escaped(author_principal ?? author)}: a policy whose first runs change ${jobsText(still_matching ?? count)} (${escaped(JSON.stringify(reason))})`
  return `plan ${id} of ${escaped(author_principal ?? author)}: ${escaped(kind)} of ${jobsText(count)}${first}${along} in ${escaped(placeText(plan))}${still} (${escaped(JSON.stringify(reason))})`
}
