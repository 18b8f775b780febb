import * as z from 'zod'
import { Preview } from '../../../shared/changes/bulk-change.ts'
import { bulkKinds, kinds } from '../../../shared/changes/kinds.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { Failure, type Fault } from '../../../shared/errors.ts'
import { faultsOf } from '../../../shared/faults.ts'
import { applyPolicy as applyPolicyEndpoint } from '../../../shared/policy/policy.ts'
import type { Commission, Done } from '../../bulk/change/commission.ts'
import type { ChangeServer } from '../../call.ts'
import { changesByPath } from '../changes/all.ts'
import { handledEndpoints } from '../handlers.ts'

/** A policy is planned, and is no change of many jobs itself. */
export const policyPath = applyPolicyEndpoint.path

/** A preview that a plan keeps, with what binds the plan to it. */
export interface PlannedPreview {
  preview: Omit<Preview, 'token' | 'owners'>
  token: string
  previewId: string
  kind: string
  /** The snapshot of the database, by which a plan that was made before a restore is noticed. */
  seen: string
}

/** An erasure is no plan, which would keep the name that is erased. */
const unplanned = new Set<string>(
  bulkKinds.flatMap((kind) =>
    kinds[kind].plannable ? [] : kinds[kind].endpoints.map((name) => handledEndpoints[name].path),
  ),
)

/** The only change whose dry run is the call without a flag. */
const integrityPath = endpoints.integrity.path

interface Planned {
  path: string
  /** The body of the call, and what its path names. */
  request: Readonly<Record<string, unknown>>
}

/**
 * Makes the change of a plan.
 * @throws Failure `invalid_request` for a path that no plan can have, or a request that its endpoint does not take; others as the change
 */
export async function makePlanned(
  server: ChangeServer,
  commission: Commission,
  { path, request }: Planned,
): Promise<Done<unknown>> {
  const make = unplanned.has(path) ? undefined : changesByPath.get(path)
  if (!make) throw refused([{ path: 'path', message: `must be one of ${plannedPaths.join(', ')}` }])
  try {
    return await make(server, commission, request)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    throw refused(faultsOf(error).map(({ path, message }) => ({ path: `request.${path}`, message })))
  }
}

const everyEndpoint: readonly Pick<Endpoint, 'path' | 'aliases' | 'input'>[] = Object.values(endpoints)

/** The path of an endpoint that callers may name by another one. */
export const knownPath = (given: string): string =>
  everyEndpoint.find(({ path, aliases = [] }) => path === given || aliases.includes(given))?.path ?? given

/** What a plan asks for, as text: the same for requests that differ in the order of their fields, or in what means nothing. */
export function canonicalRequest({ path, request }: Planned): string {
  const read = everyEndpoint.find((one) => one.path === path)?.input.safeParse(request)
  return JSON.stringify([path, ordered(read?.success ? read.data : request)])
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => JSON.stringify(ordered(one))).sort()
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => [name, ordered(part)])
    .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1))
}

const plannedPaths = [...changesByPath.keys(), policyPath].filter((path) => !unplanned.has(path))

/** @throws Failure `invalid_request` for the request of a dry run, or of a change that has a preview already */
export function refuseDryRun({ path, request }: Planned): void {
  const faults: Fault[] = []
  if (request.dry_run === true) faults.push({ path: 'request.dry_run', message: 'changes nothing, and needs no plan' })
  if (request.preview_token !== undefined)
    faults.push({ path: 'request.preview_token', message: 'belongs to no plan, which makes its own preview' })
  if (path === integrityPath && request.fix !== true)
    faults.push({ path: 'request.fix', message: 'must be true: a report changes nothing, and needs no plan' })
  if (faults.length > 0) throw refused(faults)
}

/** The same call as a dry run. */
const dryRunOf = ({ path, request }: Planned): Planned => ({
  path,
  request: path === integrityPath ? { ...request, fix: false } : { ...request, dry_run: true },
})

const WithPreview = z.object({ answer: z.object({ preview: Preview }) })

/** Previews the change of a plan. @throws Failure as `makePlanned` */
export async function previewOfPlan(server: ChangeServer, commission: Commission, planned: Planned): Promise<Preview> {
  return WithPreview.parse(await makePlanned(server, commission, dryRunOf(planned))).answer.preview
}

export function refused(faults: readonly Fault[]): Failure {
  const sentences = faults.map(({ path, message }) => `${path} ${message}`)
  return new Failure('invalid_request', `${sentences.join('; ')}; nothing was changed`, { faults })
}
