import { Failure } from '../../../shared/errors.ts'
import { holdLock } from '../../database/locks/hold-lock.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange, Running } from '../change/bulk-change.ts'
import { type ApprovalContext, isEmergency, noteEmergency } from './approval.ts'
import { readApprovalOf } from './approval-setting.ts'
import { type ChangeSize, digits, type KnownSize, sizeOf, sizeText, totalOf } from './size.ts'
import { readLimits, type TokenLimits } from './token-limits.ts'
import { readDayUse } from './use-of-day.ts'

type LimitedChange = BoundedChange & Pick<BulkChange<unknown>, 'matching' | 'dependents' | 'max' | 'limit'>
type BoundedChange = Pick<BulkChange<unknown>, 'kind' | 'scope' | 'planned'>

/**
 * Refuses a change that is larger than its token allows, than is left of the day of its principal, or than may be made without an
 * approval. An undo is never refused. The count is kept with the operation, under the lock with which operations begin, so that two
 * changes cannot both take what is left.
 * @throws Failure `limit_exceeded`, `quota_exceeded`, `approval_required`; `forbidden` for an emergency of a caller without the right
 */
export async function authorize(context: Running, bulk: LimitedChange, known: KnownSize): Promise<void> {
  if (bulk.kind === 'undo') return
  const { sql } = context
  const bounds = await readBounds(sql, context, bulk)
  if (!bounds) return
  const size = await sizeOf(sql, bulk, { set: context, ...known })
  if (bounds.limits) refuseLarge(context, bounds.limits, size)
  await sql.begin(async (tx) => {
    await holdLock(tx, 'operations')
    await refuseBeyond(tx, context, bulk, { ...bounds, size })
  })
}

/** What bounds a change: the limits of its token, and the number above which it needs an approval. */
export interface Bounds {
  limits: TokenLimits | undefined
  above: number | undefined
}

/** The bounds of a change; undefined where it has none. */
export async function readBounds(
  sql: Sql,
  { caller, approvalAbove }: Pick<Running, 'caller' | 'approvalAbove'>,
  { scope, kind }: Pick<BulkChange<unknown>, 'scope' | 'kind'>,
): Promise<Bounds | undefined> {
  const limits = await readLimits(sql, caller)
  const above = await readApprovalOf(sql, approvalAbove, { jobs: scope, kind })
  return limits || above !== undefined ? { limits, above } : undefined
}

/**
 * The same as `authorize` for a change of a known size, in its own transaction, which has taken the lock with which operations begin.
 * @throws as `authorize`
 */
export async function authorizeSize(
  tx: Sql,
  context: ApprovalContext,
  bulk: BoundedChange,
  sized: Bounds & { size: ChangeSize },
): Promise<void> {
  if (sized.limits) refuseLarge(context, sized.limits, sized.size)
  await refuseBeyond(tx, context, bulk, sized)
}

async function refuseBeyond(
  tx: Sql,
  context: ApprovalContext,
  bulk: BoundedChange,
  { limits, above, size }: Bounds & { size: ChangeSize },
): Promise<void> {
  if (limits) await refuseBeyondDay(tx, context, limits, size)
  if (above !== undefined && (await isEmergency(tx, context, bulk, { size, above }))) await noteEmergency(tx, context)
  await noteSize(tx, context.operation, size)
}

/** Keeps with an operation how many jobs it touches, by which later changes of its principal are counted. */
export const noteSize = (tx: Sql, operation: number, { jobs, dependents }: ChangeSize) => tx`
  update jobsctl_operation_terms
  set jobs = ${jobs}::bigint, dependents = ${dependents}::bigint
  where operation_id = ${operation}::bigint`

function refuseLarge({ caller }: Pick<ApprovalContext, 'caller'>, limits: TokenLimits, size: ChangeSize): void {
  const { name, max_per_change, max_per_day } = limits
  const [most, span] = leastOf(max_per_change, max_per_day)
  if (totalOf(size) <= most) return
  throw new Failure(
    'limit_exceeded',
    `${sizeText(size)}, above the limit of ${digits(most)} jobs ${span} of the token ${name} (${caller}); nothing was changed`,
    { hint: `narrow the scope; ${raising(caller)}` },
  )
}

/** A change that is larger than what is allowed for a whole day fits on no day. */
const leastOf = (change: number | null, day: number | null): [number, string] =>
  (change ?? Number.POSITIVE_INFINITY) <= (day ?? Number.POSITIVE_INFINITY)
    ? [change ?? Number.POSITIVE_INFINITY, 'a change']
    : [day ?? Number.POSITIVE_INFINITY, 'a day']

async function refuseBeyondDay(
  tx: Sql,
  { caller, identity: { principal }, operation: except }: ApprovalContext,
  { name, max_per_day }: TokenLimits,
  size: ChangeSize,
): Promise<void> {
  if (max_per_day === null) return
  const { used, room_at, room_in } = await readDayUse(tx, {
    principal,
    except,
    wanted: totalOf(size),
    most: max_per_day,
  })
  if (room_at === null) return
  throw new Failure(
    'quota_exceeded',
    `${sizeText(size)}, and the tokens of ${principal} have changed ${digits(used)} of the ${digits(max_per_day)} jobs a day of the token ${name} (${caller}); nothing was changed`,
    { hint: `there is room for it at ${room_at}; ${raising(caller)}`, retryAfter: Math.max(1, room_in ?? 1) },
  )
}

const raising = (caller: string): string =>
  `an admin sets another limit: POST /api/v1/tokens/${caller}/limits, or jobs-server token set-limits ${caller}`
