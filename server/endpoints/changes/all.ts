import type { BulkName } from '../../../shared/changes/kinds.ts'
import type { Commission, Done } from '../../bulk/change/commission.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { ChangeServer } from '../../call.ts'
import { askedBy, requireChanges, requireVerbs } from '../../engines/abilities.ts'
import { readNames } from '../../engines/read-names.ts'
import { handledEndpoints, type InputOf, type OutputOf, type TypedEndpoint } from '../handlers.ts'
import { withKnownIds } from '../known-ids.ts'
import { atItsPlace } from '../placed.ts'
import { affecting, type Describe } from './affecting.ts'
import { describe as cancelBatch } from './cancel-batch.ts'
import { describe as edit } from './edit.ts'
import { describe as erase } from './erase.ts'
import { describe as integrity } from './integrity.ts'
import { describe as setPriority } from './priority.ts'
import { describe as prune } from './prune.ts'
import { describe as reclaim } from './reclaim.ts'
import { describe as redrive } from './redrive.ts'
import { describe as requeue } from './requeue.ts'
import { describe as reschedule } from './reschedule.ts'
import { describe as retry } from './retry.ts'
import { describe as sweep } from './sweep.ts'
import { describe as undo } from './undo.ts'

/** Makes the change of a request, or previews it. @throws Failure `not_supported`; others as `runBulkChange` does */
type Make<In, Out> = (server: ChangeServer, commission: Commission, request: In) => Promise<Done<Out>>

const making =
  <In extends object, Out>(endpoint: TypedEndpoint<In, Out>, describe: Describe<In, Out>): Make<In, Out> =>
  async (asked, commission, sent) => {
    // A plan, the policy and a server that takes a change over have passed no route, which asks the same.
    const { server, request } = await atItsPlace(asked, commission, { endpoint, request: sent })
    requireVerbs(server.abilities(), askedBy(endpoint.verb, request))
    if (endpoint.changes(request)) requireChanges(server.abilities())
    const { within } = commission
    const known = await withKnownIds({ sql: server.sql, within }, request)
    return runBulkChange(server, await describe({ ...known, within }, { ...server, ...commission }), commission)
  }

/** The changes of many jobs; one that is missing does not compile. */
export const changes: { readonly [N in BulkName]: Make<InputOf<N>, OutputOf<N>> } = {
  prune: making(handledEndpoints.prune, prune),
  sweep: making(handledEndpoints.sweep, affecting(sweep)),
  requeue: making(handledEndpoints.requeue, affecting(requeue)),
  integrity: making(handledEndpoints.integrity, integrity),
  cancelBatch: making(handledEndpoints.cancelBatch, affecting(cancelBatch)),
  retry: making(handledEndpoints.retry, affecting(retry)),
  redrive: making(handledEndpoints.redrive, affecting(redrive)),
  reclaim: making(handledEndpoints.reclaim, affecting(reclaim)),
  reschedule: making(handledEndpoints.reschedule, affecting(reschedule)),
  rescheduleShift: making(handledEndpoints.rescheduleShift, affecting(reschedule)),
  setPriority: making(handledEndpoints.setPriority, affecting(setPriority)),
  undo: making(handledEndpoints.undo, undo),
  edit: making(handledEndpoints.edit, edit),
  erase: making(handledEndpoints.erase, erase),
}

/** @throws ZodError for a request that this version does not take */
const ofSent =
  <In, Out>({ input }: TypedEndpoint<In, Out>, make: Make<In, Out>): Make<unknown, Out> =>
  async (server, commission, sent) =>
    make(
      server,
      commission,
      readNames(server.sql, sent, () => input.parse(sent)),
    )

export const isBulkName = (name: string): name is BulkName => Object.hasOwn(changes, name)

/** Every change of many jobs by its path, with a request as it was sent: for plans, the policy and a server that takes one over. */
export const changesByPath: ReadonlyMap<string, Make<unknown, unknown>> = new Map(
  Object.keys(changes)
    .filter(isBulkName)
    .map(<N extends BulkName>(name: N) => [handledEndpoints[name].path, ofSent(handledEndpoints[name], changes[name])]),
)
