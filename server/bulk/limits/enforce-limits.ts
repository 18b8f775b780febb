import { Failure } from '../../../shared/errors.ts'
import type { Call } from '../../call.ts'
import { takeLock } from '../../database/advisory-locks.ts'
import { limitIdleTime } from '../../database/connection/idle-timeout.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange, Operation } from '../bulk-change.ts'
import type { VerifiedPreview } from '../preview/preview-token.ts'
import { type ChangeSize, sizeOf, totalOf } from './size.ts'
import { readLimits, type TokenLimits } from './token-limits.ts'
import { readDayUse } from './use-of-day.ts'

type LimitedChange = Pick<BulkChange<unknown>, 'kind' | 'matching' | 'dependents' | 'max' | 'limit'>
type LimitContext = Operation & Pick<Call, 'sql' | 'caller' | 'identity'>

/**
 * Refuses a change that is larger than its token allows, or than is left of the day of its principal. An undo is never refused. The
 * count is kept with the operation, under the lock with which operations begin, so that two changes cannot both take what is left.
 * @throws Failure `limit_exceeded`, `quota_exceeded`
 */
export async function enforceLimits(
  context: LimitContext,
  bulk: LimitedChange,
  previewed: VerifiedPreview | undefined,
): Promise<void> {
  if (bulk.kind === 'undo') return
  const limits = await readLimits(context.sql, context.caller)
  if (!limits) return
  const size = await sizeOf(context.sql, bulk, { set: context, previewed })
  refuseLarge(context, limits, size)
  await context.sql.begin(async (tx) => {
    await tx`select ${limitIdleTime(tx)}, ${takeLock(tx, 'operations')}`
    await refuseBeyondDay(tx, context, limits, size)
    await tx`
      update jobsctl_operation_terms
      set jobs = ${size.jobs}::bigint, dependents = ${size.dependents}::bigint
      where operation_id = ${context.operation}::bigint`
  })
}

function refuseLarge({ caller }: Pick<LimitContext, 'caller'>, limits: TokenLimits, size: ChangeSize): void {
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
  { caller, identity: { principal }, operation: except }: LimitContext,
  { name, max_per_day }: TokenLimits,
  size: ChangeSize,
): Promise<void> {
  if (max_per_day === null) return
  const { used, room_at, room_in } = await readDayUse(tx, {
    ...{ principal, except, wanted: totalOf(size), most: max_per_day },
  })
  if (room_at === null) return
  throw new Failure(
    'quota_exceeded',
    `${sizeText(size)}, and the tokens of ${principal} have changed ${digits(used)} of the ${digits(max_per_day)} jobs a day of the token ${name} (${caller}); nothing was changed`,
    { hint: `there is room for it at ${room_at}; ${raising(caller)}`, retryAfter: Math.max(1, room_in ?? 1) },
  )
}

const digits = (count: number): string => count.toLocaleString('en-US')

/** `9 jobs match`, `9 jobs match, and 1 more goes along` */
function sizeText({ jobs, dependents }: ChangeSize): string {
  const match = jobs === 1 ? '1 job matches' : `${digits(jobs)} jobs match`
  if (dependents === 0) return match
  return `${match}, and ${digits(dependents)} more ${dependents === 1 ? 'goes' : 'go'} along`
}

const raising = (caller: string): string =>
  `an admin sets another limit: POST /api/v1/tokens/${caller}/limits, or jobs-server token set-limits ${caller}`
