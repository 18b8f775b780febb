import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { PruneRequest, prune as pruneEndpoint } from '../../../shared/changes/prune.ts'
import { SweepRequest, sweep as sweepEndpoint } from '../../../shared/changes/sweep.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import type { Call } from '../../call.ts'
import { prune } from '../changes/prune.ts'
import { sweep } from '../changes/sweep.ts'

/** The request of the change that a rule makes. */
const requestOf = ({ domain, queue, job_type, prune, sweep }: Rule) => ({ domain, queue, job_type, ...prune, ...sweep })

/** Makes the change of a rule, or previews it. */
async function send(call: Call, rule: Rule, more: object) {
  const request = { ...requestOf(rule), ...more }
  return rule.prune ? prune(call, PruneRequest.parse(request)) : sweep(call, SweepRequest.parse(request))
}

/** Counts what a rule would change now. @throws Failure as the change does */
export async function previewRule(call: Call, rule: Rule): Promise<Preview> {
  const { preview } = await send(call, rule, { dry_run: true })
  if (preview) return preview
  throw new Failure('internal', `the preview of rule ${rule.name} has no count`)
}

/**
 * Makes the change of a rule, bound to its preview. It goes on without its caller, and on another server where this one dies.
 * @throws AcceptedChange when it has begun; Failure as the change does
 */
export async function beginRule(call: Call, rule: Rule, { token }: Pick<Preview, 'token'>): Promise<void> {
  const input = { ...requestOf(rule), preview_token: token }
  const { path } = rule.prune ? pruneEndpoint : sweepEndpoint
  await send({ ...call, detach: { path, input } }, rule, { preview_token: token })
}
