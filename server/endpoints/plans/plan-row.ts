import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import type { PlanState } from '../../../shared/plans/plan-states.ts'
import type { Plan } from '../../../shared/plans/plans.ts'
import { seesPeople } from '../../auth/oidc/known-callers.ts'
import { type Standing, standingOf } from '../../auth/standing.ts'
import { byCaller, type Commission } from '../../bulk/change/commission.ts'
import type { Acting, Call } from '../../call.ts'
import { changedParts, hasMovedSince, Origin, readOrigin } from '../../database/installation/origin.ts'
import { isRecordWithin } from '../../database/scope-of-record.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { proposedPlan, shownAgent } from './agent-plans.ts'
import { findWithdrawal } from './authority.ts'

/** A plan as a list has it. */
export interface PlanRow extends Omit<Plan, 'state' | 'count' | 'author' | 'author_principal' | 'scope' | 'agent'> {
  jobs: number
  caller: string
  principal: string
  /** The scope of its author, as JSON; null for none. */
  within: unknown
  /** The agent that made it, as JSON; null for a person. */
  agent: unknown
  binding: string
  /** For how long its preview lives, in seconds. */
  seconds: number
  /** The database as it was, as JSON; null where nobody could tell. */
  origin: string | null
  decision: 'approved' | 'rejected' | null
  is_expired: boolean
  /** What its author, and who decided about it, may do now. */
  author_now: Standing
  approver_now: Standing
  /** The database can tell the rows of its preview from those that were written since. */
  is_known: boolean
  /** A part of the database could not be read when it was made, and a server has noticed since then that it is another one. */
  is_moved: boolean
}

/** A plan with what may be large. */
export interface WholeRow extends PlanRow {
  request: string
  preview_id: string
  preview: unknown
  token: string
}

const Request = z.record(z.string(), z.unknown())

/** The request of the change of a plan. */
export const parsedRequest = ({ request }: Pick<WholeRow, 'request'>) => Request.parse(JSON.parse(request))

/** For how many days a plan is shown after its term. */
export const planDays = 7

/** The number of transactions after which the ids of rows may be older than they look: they have 32 bits. */
const mostLater = 1_000_000_000

/** The columns of a plan, of the alias `plan`. */
const columns = staticFragment(
  (sql) => sql`
  plan.id, plan.path, plan.kind, plan.domain, plan.queue, plan.job_type, plan.jobs, plan.dependents, plan.within, plan.agent, plan.binding, plan.digest, plan.origin, plan.caller, plan.principal, plan.reason, plan.created_at, plan.expires_at,
  plan.decision, plan.decided_by, plan.decided_principal, plan.decided_reason, plan.decided_at,
  (select id from job_operations where preview_id = plan.preview_id) as operation_id,
  ceil(extract(epoch from plan.expires_at - (plan.preview ->> 'as_of')::timestamptz))::int as seconds,
  plan.expires_at <= now() as is_expired,
  ${standingOf(sql, sql`plan.caller`)} as author_now,
  ${standingOf(sql, sql`plan.decided_by`)} as approver_now,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint - split_part(plan.seen, ':', 2)::bigint
    between 0 and ${sql.unsafe(String(mostLater))} as is_known,
  coalesce(plan.origin, ':null') like '%:null%' and ${hasMovedSince(sql, sql`(plan.preview ->> 'as_of')::timestamptz`)} as is_moved`,
)

/** The plans as rows that name their scope like a record does. */
const plans = staticFragment(
  (sql) => sql`(select *, jsonb_build_object('within', within) as filters from jobsctl_plans) as plan`,
)

/**
 * An SQL fragment `and …` on `plans`: true where the plan could reach no job outside of the scope of a caller. One that was made without a
 * scope counts dependents wherever they are. One that was made under a scope with `cascade` may end dependents outside, which only a caller
 * with `cascade` may see and decide.
 */
const isPlanWithin = (sql: Sql, scope: Acting['within']): Fragment =>
  scope
    ? sql`
      and (within is not null or dependents = 0)
      and (${scope.cascade}::boolean or within ->> 'cascade' is distinct from 'true')
      ${isRecordWithin(sql, scope)}`
    : sql``

type Reader = Pick<Acting, 'within'>

/** The newest plans that a caller sees, at most `limit`. */
export const readPlans = (sql: Sql, most: number, { within }: Reader) => sql<PlanRow[]>`
  select ${columns(sql)} from ${plans(sql)} where true ${isPlanWithin(sql, within)} order by plan.id desc limit ${most}`

/** The plans that nobody has rejected, and whose term is not over. */
export const readUnended = (sql: Sql) => sql<PlanRow[]>`
  select ${columns(sql)} from jobsctl_plans as plan
  where plan.expires_at > now() and plan.decision is distinct from 'rejected'`

/** @throws Failure `not_found`, also for a plan that could reach jobs outside of the scope of the caller */
export async function findPlan(sql: Sql, id: number, { within }: Reader): Promise<WholeRow> {
  const [row] = await sql<WholeRow[]>`
    select ${columns(sql)}, plan.request, plan.preview_id, plan.preview, plan.token
    from ${plans(sql)}
    where plan.id = ${id}::bigint ${isPlanWithin(sql, within)}`
  if (row) return row
  throw new Failure('not_found', `there is no plan ${id}`, { hint: 'jobsctl plans shows them' })
}

/**
 * The same, locked until the transaction ends. It is read after the lock is there: an operation that began meanwhile is seen.
 * @throws Failure `not_found`
 */
export async function lockPlan(tx: Sql, id: number, reader: Reader): Promise<WholeRow> {
  await tx`select from jobsctl_plans where id = ${id}::bigint for update`
  return findPlan(tx, id, reader)
}

/**
 * The scope under which a plan is previewed and applied.
 * @throws Failure `preview_stale` for one that this version does not know: it may limit the plan more than this version can
 */
export function scopeOfPlan({ id, within }: PlanRow): Acting['within'] {
  if (within === null) return undefined
  const known = TokenScope.safeParse(within)
  if (known.success) return known.data
  throw new Failure(
    'preview_stale',
    `this version of the server does not know the scope of plan ${id}; nothing was changed`,
    again,
  )
}

/** Whether a caller has the scope under which a plan was made, or none: then it may see all counts of the plan. */
const hasScopeOf = ({ within: ofPlan }: PlanRow, { within }: Reader): boolean =>
  within === undefined || isDeepStrictEqual(TokenScope.safeParse(ofPlan).data, within)

/** A scope as answers have it. It may name other domains than the plan is about, which another scope does not see. */
const shownScope = (row: PlanRow, reader: Reader): Plan['scope'] =>
  row.within !== null && hasScopeOf(row, reader) ? (TokenScope.safeParse(row.within).data ?? null) : null

/**
 * A preview without the number of dependents outside of the scope of its author, for a caller of another scope. A caller with `cascade` may
 * decide about these jobs, and gets their number.
 */
export function shownPreview(row: WholeRow, reader: Reader): unknown {
  if (hasScopeOf(row, reader) || reader.within?.cascade) return row.preview
  const { dependents_elsewhere: _, ...shown } = z.looseObject({}).parse(row.preview)
  return shown
}

/** @param origin the database as it is; undefined where nobody can tell */
export function stateOf(row: PlanRow, origin: Origin | undefined): PlanState {
  if (row.operation_id !== null) return 'applied'
  if (row.decision === 'rejected') return 'rejected'
  if (row.is_expired) return 'expired'
  if (findWithdrawal(row) !== undefined) return 'withdrawn'
  if (!row.is_known || row.is_moved || isOfAnother(row, origin)) return 'stale'
  return row.decision ?? 'waiting'
}

/** Whether a plan in this state can still be applied. */
export const isOpen = (state: PlanState): boolean => state === 'waiting' || state === 'approved'

function isOfAnother({ origin: before }: PlanRow, now: Origin | undefined): boolean {
  if (before === null || now === undefined) return false
  const known = Origin.parse(JSON.parse(before))
  return changedParts(known, now).length > 0
}

/** The plan as a caller may see it. */
export function shownPlan(
  row: PlanRow,
  origin: Origin | undefined,
  { may, within }: Pick<Acting, 'may' | 'within'>,
): Plan {
  const { jobs: count, caller: author, dependents, digest, reason, created_at, expires_at, operation_id } = row
  const { id, kind, path, domain, queue, job_type, decision, decided_by, decided_reason, decided_at } = row
  const people = seesPeople(may)
  return {
    ...{
      id,
      state: stateOf(row, origin),
      kind,
      path,
      domain,
      queue,
      job_type,
      count,
      dependents,
      digest,
      reason,
      author,
      scope: shownScope(row, { within }),
    },
    author_principal: people ? row.principal : null,
    created_at,
    expires_at,
    decision,
    decided_by,
    decided_principal: people ? row.decided_principal : null,
    decided_reason,
    decided_at,
    operation_id,
    agent: shownAgent(row, people),
  }
}

/**
 * The commission of a caller that shows or applies a plan, under the scope of its author.
 * @throws Failure `preview_stale` for a scope that this version does not know
 */
export const byPlan = (call: Call, row: PlanRow): Commission => ({
  ...byCaller(call),
  by: 'plan',
  within: scopeOfPlan(row),
  proposed: proposedPlan(row),
  binding: { key: row.binding, seconds: row.seconds },
})

/**
 * Refuses what a plan in another state cannot have.
 * @throws Failure `conflict`, `preview_stale`, `approval_required`
 */
export function requireState(row: PlanRow, origin: Origin | undefined, ...wanted: readonly PlanState[]): void {
  const state = stateOf(row, origin)
  if (wanted.includes(state)) return
  const by = row.decided_by === null ? '' : ` by ${row.decided_by}`
  const failures: Record<PlanState, () => Failure> = {
    waiting: () =>
      new Failure('approval_required', `plan ${row.id} is not approved yet; nothing was changed`, {
        hint: `a token of another principal with --approver, or an admin's, approves it: jobsctl approve ${row.id}`,
      }),
    approved: () => new Failure('conflict', `plan ${row.id} was approved${by} already; nothing was changed`),
    rejected: () => new Failure('conflict', `plan ${row.id} was rejected${by}; nothing was changed`, again),
    applied: () =>
      new Failure(
        'conflict',
        `plan ${row.id} was applied already (operation ${row.operation_id}); nothing was changed`,
      ),
    expired: () => new Failure('preview_stale', `plan ${row.id} has expired; nothing was changed`, again),
    withdrawn: () =>
      new Failure('preview_stale', `plan ${row.id} is withdrawn: ${findWithdrawal(row)}; nothing was changed`, again),
    stale: () =>
      new Failure(
        'preview_stale',
        `the database was restored or has failed over since plan ${row.id}; nothing was changed`,
        again,
      ),
  }
  throw failures[state]()
}

const again = { hint: 'plan it again' }

/** How many plans wait for a second person: not those that nobody can apply any more, after a failover or without their author. */
export async function countWaitingPlans(sql: Sql): Promise<number> {
  const plans = (await readUnended(sql)).filter(({ decision }) => decision === null)
  if (plans.length === 0) return 0
  const origin = await readOrigin(sql)
  return plans.filter((plan) => stateOf(plan, origin) === 'waiting').length
}
