import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import { applyPlan as endpoint, showPlan as showing, type WholePlan } from '../../shared/plans/plans.ts'
import { bulkKinds } from '../../shared/records/records.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { decide, detachedCanary, openSession } from '../guard/guard.ts'
import { printCurl } from '../guard/print-curl.ts'
import type { Ending } from '../output/print.ts'
import { watchMsOf } from '../settings/flags/canary-flags.ts'
import { applyPolicyPlan } from './apply-policy.ts'
import { limitOf, summaryOf } from './decide.ts'

type Apply = BulkChange<typeof endpoint.input, typeof endpoint.output>

/**
 * Confirms and applies a plan that the server keeps, as the guard does.
 * @throws Failure `not_found`, `forbidden`, `approval_required`, `conflict`, `preview_stale`; others as of a change
 */
export async function applyKeptPlan(context: Context, id: string, wait: string | undefined): Promise<Ending> {
  if (context.settings.curl) return printCurl(context, changeOf(context, id, undefined))
  const plan = (await (await context.client()).call(showing, { id })).body
  if (plan.kind === 'policy') return applyPolicyPlan(context, plan)
  const session = await openSession(context, changeOf(context, id, plan))
  const count = plan.still_matching ?? plan.count
  const previews = [{ ...plan.preview, count, token: plan.digest, owners: [] }]
  const previewed = { answers: [], counts: [count], total: count, complete: true, previews }
  const first = limitOf(plan)
  if (first === undefined && wait !== undefined)
    throw new Failure('usage', `--canary-wait: plan ${id} has no canary jobs; nothing was changed`)
  if (first === undefined) return decide(session, previewed)
  if (context.settings.detach) throw detachedCanary()
  const { withCanaries } = await import('../guard/canary.ts')
  return decide(session, previewed, withCanaries({ count: first, watchMs: watchMsOf(wait) }))
}

function changeOf({ settings }: Context, id: string, plan: WholePlan | undefined): Apply {
  const name = bulkKinds.find((kind) => kind === plan?.kind)
  if (plan && !name)
    throw new Failure('usage', `this jobsctl does not know the change of plan ${id}; nothing was changed`)
  const digest = plan && { digest: plan.digest }
  const call = (request: z.input<typeof endpoint.input>) => ({ ...fieldsOf(request), ...digest, ...settings.brake })
  return {
    name: name ?? 'prune',
    endpoint,
    requests: [{ id }],
    preview: (request) => ({ ...fieldsOf(request), ...digest }),
    bounded: call,
    canaryCalls: (request) => ({ first: call(request), rest: (rest_token) => ({ ...call(request), rest_token }) }),
    count: countOf,
    say: (jobs, done) => `${done ? 'applied' : 'would apply'} plan ${id} (${plan?.kind}) to ${jobs}`,
    facts: { plan: Number(id) },
    words: ['apply', id],
    goAhead: ['apply', id],
    undoable: true,
    ...(plan && { details: async () => ({ head: summaryOf(plan) }) }),
  }
}

const fieldsOf = (request: z.input<typeof endpoint.input>): { id: string } => ({ id: String(request.id) })

/** The number of jobs of an answer: each change has a name of its own for it. */
function countOf(answer: z.output<typeof endpoint.output>): number {
  const named = [answer.deleted, answer.affected, answer.fixed].find((count) => typeof count === 'number')
  return typeof named === 'number' ? named : 0
}
