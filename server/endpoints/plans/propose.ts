import { createHash, randomUUID } from 'node:crypto'
import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import type { WholePlan } from '../../../shared/plans/plans.ts'
import { scopeFields } from '../../../shared/scope.ts'
import { requireRight } from '../../auth/require-right.ts'
import { requireNoneElsewhere } from '../../auth/require-scope.ts'
import { scopeJson } from '../../auth/tokens.ts'
import { byCaller, type Commission } from '../../bulk/change/commission.ts'
import { aboveMaxText } from '../../bulk/enforce-max.ts'
import { matchText } from '../../bulk/limits/size.ts'
import { readToken } from '../../bulk/token/preview-token.ts'
import type { Call, ChangeServer } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { type Origin, readOrigin } from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { agentAsking, evidenceOf, requireRoomOfAgent } from './agent-plans.ts'
import { findPlan, isOpen, type PlanRow, readUnended, stateOf } from './plan-row.ts'
import {
  canonicalRequest,
  knownPath,
  type PlannedPreview,
  policyPath,
  previewOfPlan,
  refuseDryRun,
  refused,
} from './plannable.ts'
import { planPolicy } from './policy-plan.ts'
import { isHidden, wholePlan } from './read.ts'

/** The most plans that wait or are approved, in all and for one principal. */
const mostOpen = 100
const mostOwn = 20

/**
 * Keeps the preview of a change until another principal decides.
 * @throws Failure `conflict` where no job matches, where too many plans are open, and in single-user mode; `limit_exceeded` above the
 *   `max` of the change; `preview_stale` for the digest of another preview; `preview_incomplete`; others as a dry run
 */
export async function proposePlan(call: Call, asked: InputOf<'proposePlan'>): Promise<WholePlan> {
  const planned = knownPlan(call, asked)
  const { reason } = call
  if (call.authMode !== 'multi_user') throw call.identity.agent ? nobodyElsewhere() : nobodyElse()
  if (reason === undefined)
    throw refused([{ path: headers.reason, message: 'is needed: why the change is to be made' }])
  const binding = `plan ${randomUUID()}`
  const made =
    planned.path === policyPath
      ? await planPolicy(call, planned.request)
      : await planChange(call, { ...byCaller(call), by: 'plan', binding: { key: binding, seconds: 0 } }, planned)
  if (asked.digest !== undefined && asked.digest !== digestOfPreview(planned, made.preview)) throw otherCounts()
  const origin = await readOrigin(call.sql)
  const agent = await agentAsking(call, planned)
  const id = await insertPlan(call, { ...planned, ...made, reason, binding, origin, agent })
  const row = await findPlan(call.sql, id, call)
  const evidence = await evidenceOf(call.sql, row)
  return wholePlan(call, row, { origin, still_matching: made.preview.count, evidence })
}

/**
 * Previews a change as its plan would have it, and keeps nothing.
 * @throws Failure as a dry run; `not_supported` for a policy, which `jobsctl policy simulate` previews
 */
export async function previewPlan(call: Call, asked: InputOf<'previewPlan'>): Promise<OutputOf<'previewPlan'>> {
  const planned = knownPlan(call, asked)
  const preview = await previewOfPlan(call, { ...byCaller(call), by: 'plan' }, planned)
  requireNoneElsewhere(call, preview.dependents_elsewhere ?? 0)
  const { token, owners: _, ...kept } = preview
  return { path: planned.path, kind: readToken(token).kind, preview: kept, digest: digestOfPreview(planned, kept) }
}

/** A digest of a change and what its preview counted, the same for a later preview that counts the same. */
const digestOfPreview = (
  planned: InputOf<'previewPlan'>,
  { count, dependents = 0, dependents_elsewhere = 0 }: WholePlan['preview'],
): string =>
  createHash('sha256')
    .update(JSON.stringify([canonicalRequest(planned), count, dependents, dependents_elsewhere]))
    .digest('hex')

/**
 * The plan that is asked for.
 * @throws Failure `invalid_request` for a dry run; `forbidden` for a filter over what the caller may not see, since it could be guessed
 */
function knownPlan(call: Call, { path, request }: InputOf<'previewPlan'>): InputOf<'previewPlan'> {
  const planned = { path: knownPath(path), request: withTextId(request) }
  refuseDryRun(planned)
  const { identity, caller: id, may } = call
  if (Object.keys(request).some((name) => isHidden(call, name))) requireRight({ ...identity, id, may }, 'payloads')
  return planned
}

/** The preview of a change of many jobs, with what its token says of it. */
async function planChange(
  server: ChangeServer,
  commission: Commission,
  planned: InputOf<'previewPlan'>,
): Promise<PlannedPreview> {
  const preview = await previewOfPlan(server, commission, planned)
  if (preview.complete === false) throw notCounted()
  const elsewhere = preview.dependents_elsewhere ?? 0
  requireNoneElsewhere(commission, elsewhere)
  if (preview.count === 0) throw new Failure('conflict', 'no job matches; no plan was made')
  refuseAboveMax(planned, preview.count, elsewhere)
  const { id: previewId, kind, seen } = readToken(preview.token)
  const { token, owners: _, ...kept } = preview
  return { preview: kept, token, previewId, kind, seen }
}

/** A plan above its own `max` could never be applied: jobs outside that are changed along count, too. @throws Failure `limit_exceeded` */
function refuseAboveMax({ request: { max } }: InputOf<'previewPlan'>, count: number, elsewhere: number): void {
  if (typeof max !== 'number' || count + elsewhere <= max) return
  throw new Failure('limit_exceeded', `${aboveMaxText(matchText(count), { elsewhere, max })}; no plan was made`, {
    hint: 'narrow the scope, or raise the limit',
  })
}

/** The id of an undo is a part of its path, where it is text; in a body a program writes it as a number. */
const withTextId = ({ id, ...request }: PlannedRequest): PlannedRequest =>
  id === undefined ? request : { id: typeof id === 'number' ? String(id) : id, ...request }

type PlannedRequest = InputOf<'proposePlan'>['request']

const nobodyElse = (): Failure =>
  new Failure('conflict', 'in single-user mode nobody else could approve a plan; no plan was made', {
    hint: 'a server with AUTH_MODE=multi_user has plans; --dry-run --plan-out keeps a preview as a file',
  })

const nobodyElsewhere = (): Failure =>
  new Failure(
    'conflict',
    'with one key for everybody the program of an agent could decide about its own plan; no plan was made',
    { hint: 'a server with AUTH_MODE=multi_user has plans of agents; here an agent looks and previews' },
  )

const otherCounts = (): Failure =>
  new Failure('preview_stale', 'the digest is not that of a preview with these counts; no plan was made', {
    hint: 'preview the change again, and read its counts',
  })

const notCounted = (): Failure =>
  new Failure('preview_incomplete', 'a plan needs the count of all its jobs, which takes too long; no plan was made', {
    hint: 'narrow the filter',
  })

interface NewPlan extends InputOf<'previewPlan'>, PlannedPreview {
  reason: string
  binding: string
  origin: Origin | undefined
  agent: Awaited<ReturnType<typeof agentAsking>>
}

const Scope = z.object(scopeFields)

async function insertPlan(call: Call, plan: NewPlan): Promise<number> {
  const { path, request, reason, preview, token, previewId, kind, seen, binding, origin, agent } = plan
  const { caller, planHours, within } = call
  const { principal } = call.identity
  const text = JSON.stringify(request)
  const { count, dependents = 0, dependents_elsewhere = 0, as_of } = preview
  // The digest is kept with the plan, and never computed again, since another version of the server may compute another one.
  const digest = createHash('sha256')
    .update(JSON.stringify([path, text, count, dependents, as_of, previewId, dependents_elsewhere]))
    .digest('hex')
  const { domain = null, queue = null, job_type = null } = Scope.safeParse(request).data ?? {}
  return unlessFrozen(call.sql, async (tx) => {
    // Two calls at once would both count fewer than the most.
    await tx`lock table jobsctl_plans in share row exclusive mode`
    const waiting = await requireRoom(tx, principal, origin)
    if (agent) await requireRoomOfAgent(tx, call, agent, waiting)
    const [{ id }] = await tx<[{ id: number }]>`
      insert into jobsctl_plans (
        path, request, kind, domain, queue, job_type, jobs, dependents, within, preview, token, preview_id, seen, origin, binding, digest,
        caller, principal, reason, expires_at, agent
      )
      values (
        ${path}, ${text}, ${kind}, ${domain}, ${queue}, ${job_type}, ${count}::bigint, ${dependents}::bigint,
        ${scopeJson(within)}::text::jsonb,
        ${JSON.stringify(preview)}::text::jsonb, ${token}, ${previewId}, ${seen}, ${origin ? JSON.stringify(origin) : null}, ${binding},
        ${digest}, ${caller}, ${principal}, ${reason}, now() + ${planHours}::int * interval '1 hour',
        ${agent ? JSON.stringify(agent) : null}::text::jsonb
      )
      returning id`
    return id
  })
}

/**
 * Counts the plans that could still be applied: those that were made before a failover do not keep anybody from planning again.
 * @returns those that wait for a decision
 * @throws Failure `conflict`
 */
async function requireRoom(tx: Sql, principal: string, origin: Origin | undefined): Promise<PlanRow[]> {
  const plans = (await readUnended(tx)).filter((row) => isOpen(stateOf(row, origin)))
  const open = plans.length
  const own = plans.filter((plan) => plan.principal === principal).length
  if (open < mostOpen && own < mostOwn) return plans.filter(({ decision }) => decision === null)
  const which = own >= mostOwn ? `${own} plans of ${principal}` : `${mostOpen} plans`
  throw new Failure('conflict', `${which} wait or are approved; no plan was made`, {
    hint: 'apply some of them, or ask an approver to reject some: jobsctl plans shows them',
  })
}
