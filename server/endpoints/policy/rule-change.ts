import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { PruneRequest, prune as pruneEndpoint } from '../../../shared/changes/prune.ts'
import { SweepRequest, sweep as sweepEndpoint } from '../../../shared/changes/sweep.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import type { BulkChange } from '../../bulk/change/bulk-change.ts'
import type { Commission } from '../../bulk/change/commission.ts'
import type { ChangeServer } from '../../call.ts'
import { changes } from '../changes/all.ts'
import { describe as describePrune } from '../changes/prune.ts'
import { describe as describeSweep } from '../changes/sweep.ts'
import { atItsPlace } from '../placed.ts'

/** The request of the change that a rule makes. */
const requestOf = ({ domain, queue, job_type, prune, sweep }: Rule) => ({ domain, queue, job_type, ...prune, ...sweep })

/** Makes the change of a rule, or previews it. */
function make(server: ChangeServer, commission: Commission, rule: Rule, more: object) {
  const request = { ...requestOf(rule), ...more }
  return rule.prune
    ? changes.prune(server, commission, PruneRequest.parse(request))
    : changes.sweep(server, commission, SweepRequest.parse(request))
}

/** Which jobs a rule takes, as its change describes them, and the server for their place. @throws Failure as `atItsPlace` */
export async function describeRule(
  asked: ChangeServer,
  commission: Commission,
  rule: Rule,
): Promise<{ server: ChangeServer; bulk: Pick<BulkChange<unknown>, 'matching' | 'time' | 'keptByHold'> }> {
  const endpoint = rule.prune ? pruneEndpoint : sweepEndpoint
  const sent = { ...requestOf(rule), dry_run: true }
  const { server, request } = await atItsPlace(asked, commission, { endpoint, request: sent })
  const { within } = commission
  const terms = { ...server, ...commission }
  const bulk = rule.prune
    ? await describePrune({ ...PruneRequest.parse(request), within }, terms)
    : describeSweep({ ...SweepRequest.parse(request), within }, terms)
  return { server, bulk }
}

/** Counts what a rule would change now. @throws Failure as the change does */
export async function previewRule(server: ChangeServer, commission: Commission, rule: Rule): Promise<Preview> {
  const done = await make(server, commission, rule, { dry_run: true })
  if ('answer' in done && done.answer.preview) return done.answer.preview
  throw new Failure('internal', `the preview of rule ${rule.name} has no count`)
}

/**
 * Begins the change of a rule, bound to its preview. It goes on without its caller, and on another server where this one dies.
 * @throws Failure as the change does
 */
export function beginRule(server: ChangeServer, commission: Commission, rule: Rule, { token }: Pick<Preview, 'token'>) {
  const input = { ...requestOf(rule), preview_token: token }
  const { path } = rule.prune ? pruneEndpoint : sweepEndpoint
  return make(server, { ...commission, detach: { path, input } }, rule, { preview_token: token })
}
