import { Failure } from '../../../shared/errors.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import { clockText } from '../../../shared/times/time-and-size.ts'
import type { Reading } from '../../call.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { servedBy } from '../../engines/served.ts'
import { momentBefore, readDepths } from '../../history/read-depths.ts'
import type { InputOf } from '../handlers.ts'
import { groupKey } from './fold-groups.ts'
import { stats } from './stats.ts'
import { statsNow } from './stats-now.ts'

/** The counts now, or as they were at a moment in the past. @throws Failure `invalid_request` for a moment to come */
export const statsOfCall = ({ sql, within }: Reading, asked: InputOf<'stats'>): Promise<GroupStats[]> => {
  const { at, ...scope } = asked
  if (at === undefined) return statsNow({ sql, within }, scope)
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    await refuseFuture(tx, at)
    return pastStats(tx, { ...scope, within }, at)
  })
}

/** The clock of a caller may be a minute ahead. @throws Failure `invalid_request` */
export async function refuseFuture(sql: Sql, at: string): Promise<void> {
  const [ahead] = await sql<{ now: string }[]>`
    select now() as now where ${at}::text::timestamptz > now() + interval '1 minute'`
  if (!ahead) return
  throw new Failure(
    'invalid_request',
    `${clockText(at)} is yet to come: it is ${clockText(ahead.now)} at the database`,
    {
      hint: 'give a time in the past, such as 1h for 1 h ago',
    },
  )
}

/** The counts that were written last at or before a moment; where none were, lower bounds, and why. */
export async function pastStats(sql: Sql, scope: Narrowed, at: string): Promise<GroupStats[]> {
  const moment = await momentBefore(sql, at)
  if (moment) return (await readDepths(sql, scope, moment)).map((group) => ({ ...group, as_of: moment.as_of }))
  const at_least = await whyUnknown(sql, at)
  const { within, ...asked } = scope
  const groups = await stats({ sql, within }, asked)
  const rows = servedBy(sql).mode === 'own' ? await unchangedSince(sql, scope, at) : []
  const unchanged = new Map(rows.map((row) => [groupKey(row), row]))
  const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
  return groups.map(({ domain, queue, job_type }) => {
    const group = { domain, queue, job_type }
    return { ...group, ...none, ...unchanged.get(groupKey(group)), at_least }
  })
}

async function whyUnknown(sql: Sql, at: string): Promise<string> {
  const [{ first, before }] = await sql<[{ first: string | null; before: string | null }]>`
    select
      (select min(moment) from jobsctl_depth_moments) as first,
      (select max(moment) from jobsctl_depth_moments where moment <= ${at}::text::timestamptz) as before`
  if (first === null) return 'no server has written the depths of queues yet'
  if (before === null) return `the first depths that are kept are of ${clockText(first)}`
  return `no depths were written from ${clockText(before)} on: no server ran, or its counts could not be trusted`
}

/** The most live jobs that are looked at: what they tell is a lower bound in any case. */
const mostRead = 200_000

/** Live jobs that nobody has changed since a moment were then as they are. */
const unchangedSince = (sql: Sql, scope: Narrowed, at: string) => sql<GroupStats[]>`
  select
    domain, queue, job_type,
    count(*) filter (where status = 'queued' and not is_later) as queued,
    count(*) filter (where status = 'queued' and is_later) as scheduled,
    count(*) filter (where status = 'processing') as processing,
    count(*) filter (where status = 'quarantined') as quarantined
  from (
    select domain, queue, job_type, status, updated_at, created_at,
      coalesce(available_at > ${at}::text::timestamptz, false) as is_later
    from jobs
    where status in ('queued', 'processing', 'quarantined') ${inScope(sql, scope)}
    limit ${sql.unsafe(String(mostRead))}
  ) as live
  where updated_at <= ${at}::text::timestamptz and created_at <= ${at}::text::timestamptz
  group by domain, queue, job_type`
