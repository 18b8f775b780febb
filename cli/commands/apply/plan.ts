import * as z from 'zod'
import { kept_by_hold } from '../../../shared/changes/bulk-change.ts'
import { bulkKinds } from '../../../shared/changes/kinds.ts'
import { refusedAnswer } from '../../../shared/changes/refused.ts'
import { Failure } from '../../../shared/errors.ts'
import { applyPlan as endpoint, showPlan as showing, type WholePlan } from '../../../shared/plans/plans.ts'
import { besideHeld, besideRefused, joinedNotes } from '../../changes/dependents.ts'
import type { Context } from '../../context.ts'
import type { BulkChange } from '../../guard/change.ts'
import { decide, detachedCanary, openRun } from '../../guard/guard.ts'
import { printCurl } from '../../guard/print-curl.ts'
import type { Ending } from '../../output/print.ts'
import { watchMsOf } from '../../settings/flags/canary-flags.ts'
import { tellEvidence } from '../plans/agent.ts'
import { limitOf, summaryOf } from '../plans/decide.ts'
import { applyPolicyPlan } from './policy.ts'

interface Parts {
  /** How long the canary jobs may take. */
  canaryWait?: string
  /** The token with which the plan is applied to the jobs after its canary jobs. */
  rest?: string
}

/** The jobs of a plan that its change has left, with what kept them; each kind of change answers some of these fields. */
const LeftJobs = z.object({ ...refusedAnswer, kept_by_hold })

type Apply = BulkChange<typeof endpoint.input, typeof endpoint.output>

/**
 * Confirms and applies a plan that the server keeps, as the guard does.
 * @throws Failure `not_found`, `forbidden`, `approval_required`, `conflict`, `preview_stale`; others as of a change
 */
export async function applyKeptPlan(context: Context, id: string, { canaryWait: wait, rest }: Parts): Promise<Ending> {
  if (rest !== undefined && wait !== undefined)
    throw new Failure('usage', '--rest and --canary-wait exclude each other; nothing was changed')
  if (context.settings.curl) return printCurl(context, changeOf(context, { id, rest }))
  const plan = (await (await context.client()).call(showing, { id })).body
  if (plan.kind === 'policy') return applyPolicyPlan(context, plan)
  if (rest === undefined) tellEvidence(context, plan)
  const first = limitOf(plan)
  const flag = rest !== undefined ? '--rest' : wait !== undefined ? '--canary-wait' : undefined
  if (first === undefined && flag)
    throw new Failure('usage', `${flag}: plan ${id} has no canary jobs; nothing was changed`)
  const run = await openRun(context, changeOf(context, { id, plan, rest }))
  const others = Math.max(0, plan.count - (first ?? 0))
  const count = rest === undefined ? (plan.still_matching ?? plan.count) : others
  const previews = [{ ...plan.preview, count, token: plan.digest, owners: [] }]
  const previewed = { answers: [], counts: [count], total: count, complete: true, previews }
  if (rest !== undefined) return decide(run, previewed)
  if (first === undefined) return decide(run, { ...previewed, planned: plan.count })
  if (context.settings.detach) throw detachedCanary()
  const { withCanaries } = await import('../../guard/canary.ts')
  return decide(run, previewed, withCanaries({ count: first, watchMs: watchMsOf(wait) }))
}

interface Applying {
  id: string
  /** Undefined where nothing was read. */
  plan?: WholePlan
  /** The token of the first answer, which applies the plan to its other jobs. */
  rest: string | undefined
}

function changeOf({ settings, another }: Context, { id, plan, rest }: Applying): Apply {
  const name = bulkKinds.find((kind) => kind === plan?.kind)
  if (plan && !name)
    throw new Failure('usage', `this jobsctl does not know the change of plan ${id}; nothing was changed`)
  const digest = plan && { digest: plan.digest }
  const call = (request: z.input<typeof endpoint.input>, rest_token = rest) => ({
    ...fieldsOf(request),
    ...digest,
    ...settings.brake,
    ...(rest_token !== undefined && { rest_token }),
  })
  const words = ['apply', id, ...(rest === undefined ? [] : ['--rest', rest])]
  return {
    name: name ?? 'prune',
    endpoint,
    requests: [{ id }],
    preview: (request) => ({ ...fieldsOf(request), ...digest }),
    bounded: (request) => call(request),
    canaryCalls: (request) => ({ first: call(request), rest: (token) => call(request, token) }),
    othersLater: (token) =>
      `to change the others: ${another(['apply', id, '--rest', token])}; to take the approval for them back: ${another(['reject', id])}`,
    say: (jobs, done) => `${done ? 'applied' : 'would apply'} plan ${id} (${plan?.kind}) to ${jobs}`,
    facts: { plan: Number(id) },
    beside: (answer) => {
      const left = LeftJobs.parse(answer)
      const [stays, held] = [besideRefused('changed')(left), besideHeld(left)]
      return { facts: { ...stays.facts, ...held.facts }, note: joinedNotes([stays.note, held.note]) }
    },
    words,
    goAhead: words,
    ...(plan && { details: async () => ({ head: summaryOf(plan) }) }),
  }
}

const fieldsOf = (request: z.input<typeof endpoint.input>): { id: string } => ({ id: String(request.id) })
