import { Failure } from '../../../shared/errors.ts'
import { type Plan, WholePlan } from '../../../shared/plans/plans.ts'
import type { Acting, Call, Reading } from '../../call.ts'
import { type Origin, readOrigin } from '../../database/installation/origin.ts'
import type { InputOf } from '../handlers.ts'
import { isContentHidden } from '../hidden.ts'
import { evidenceOf } from './agent-plans.ts'
import { findRestOperation, wasAppliedInParts } from './other-jobs.ts'
import {
  byPlan,
  findPlan,
  isOpen,
  parsedRequest,
  readPlans,
  shownPlan,
  shownPreview,
  stateOf,
  type WholeRow,
} from './plan-row.ts'
import { policyPath, previewOfPlan } from './plannable.ts'
import { countPolicy } from './policy-plan.ts'

/** More plans than the database keeps. */
const most = 10_000

export async function listPlans(
  call: Reading & Pick<Acting, 'may'>,
  { state, limit }: InputOf<'listPlans'>,
): Promise<Plan[]> {
  const { sql } = call
  const origin = await readOrigin(sql)
  // The state is known only once a plan is read.
  const rows = await readPlans(sql, state === undefined ? limit : most, call)
  const plans = rows.map((row) => shownPlan(row, origin, call))
  return plans.filter((plan) => state === undefined || plan.state === state).slice(0, limit)
}

/**
 * A plan with its preview, and how many of its jobs still match.
 * @throws Failure `not_found`
 */
export async function showPlan(call: Call, { id }: InputOf<'showPlan'>): Promise<WholePlan> {
  const row = await findPlan(call.sql, id, call)
  const origin = await readOrigin(call.sql)
  const still_matching = isOpen(stateOf(row, origin)) ? await countNow(call, row) : null
  const rest = wasAppliedInParts(row) ? await findRestOperation(call.sql, row) : undefined
  return wholePlan(call, row, { origin, still_matching, rest, evidence: await evidenceOf(call.sql, row) })
}

/** By these a plan cannot be applied, or not be counted, any more. `invalid_request` is of a time in its request that is over. */
const uncounted = ['preview_stale', 'preview_incomplete', 'conflict', 'invalid_request', 'not_supported']

/** Counts the jobs of the plan that still match; null where it is used, or cannot be counted, by now. */
async function countNow(call: Call, row: WholeRow): Promise<number | null> {
  if (row.path === policyPath) return countPolicy(call, parsedRequest(row))
  const request = { ...parsedRequest(row), preview_token: row.token }
  try {
    const preview = await previewOfPlan(call, byPlan(call, row), { path: row.path, request })
    return preview.still_matching ?? null
  } catch (error) {
    if (error instanceof Failure && uncounted.includes(error.code)) return null
    throw error
  }
}

interface Now {
  /** The database as it is; undefined where nobody can tell. */
  origin: Origin | undefined
  still_matching: number | null
  /** The operation that applied it to the jobs after its first ones. */
  rest?: number | undefined
  /** What its agent asked before. */
  evidence: WholePlan['evidence']
}

export function wholePlan(
  call: Pick<Acting, 'may' | 'within'>,
  row: WholeRow,
  { origin, still_matching, rest, evidence }: Now,
): WholePlan {
  const request = Object.entries(parsedRequest(row)).filter(([name]) => !isHidden(call, name))
  const plan = shownPlan(row, origin, call)
  return WholePlan.parse({
    ...plan,
    request: Object.fromEntries(request),
    preview: shownPreview(row, call),
    still_matching,
    rest_operation_id: rest ?? null,
    ...(evidence && { evidence }),
  })
}

/** What is looked for in payloads and errors is a part of them. */
export const isHidden = (call: Pick<Acting, 'may'>, name: string): boolean =>
  isContentHidden(call) && /^(?:payload|error$|set$|if$)/.test(name)
