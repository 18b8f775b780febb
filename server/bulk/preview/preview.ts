import { Failure } from '../../../shared/errors.ts'
import { requireMeeting } from '../../auth/require-scope.ts'
import type { ChangeServer } from '../../call.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { readOrigin } from '../../database/installation/origin.ts'
import type { Pool } from '../../database/sql.ts'
import { limitPreviewTime } from '../../database/timeouts.ts'
import type { BulkChange, MoreOfSet, Previewed, PreviewOptions } from '../change/bulk-change.ts'
import type { Commission } from '../change/commission.ts'
import { findFullArchive } from '../pressure/archive-room.ts'
import { findUnwatched } from '../pressure/unwatched.ts'
import { keyInMemory } from '../token/preview-keys.ts'
import { signToken } from '../token/preview-token.ts'
import { hasOpenTransactions, type Snapshot, snapshotOf } from '../token/snapshot.ts'
import { describeAtLeast } from './count-at-least.ts'
import { countStillMatching } from './preview-check.ts'
import { mostRecent, mostRewritten } from './preview-groups.ts'
import { type Described, describe, describeNone, type Previewable } from './preview-statement.ts'
import { volumeOf } from './volume.ts'

/** The rate, in jobs a second, that is assumed until a change of this kind was large enough to measure one. */
const usualPace = 5000

/** Who previews, and the settings of the server that a preview shows. */
type PreviewContext = Pick<ChangeServer, 'sql' | 'archiveDays' | 'pressureLimits'> &
  Pick<Commission, 'caller' | 'identity' | 'within' | 'formerCaller' | 'binding'>

/**
 * Counts the jobs that a change would affect, at one moment, and signs the result. A dry run with a preview token is checked
 * as the change itself, and also counts the jobs of that preview that still match. Where transactions were open that may
 * have written some of the jobs, a second statement finds out which transactions did.
 * @throws Failure `forbidden` for a filter that lies outside of the caller's scope; `preview_stale` when the dry run has a token that the change would be refused with;
 *   `database_unavailable` when the database has no signing key; `preview_incomplete` when the search takes longer than a
 *   statement may take, and finds no job in further five seconds, or has no `ofIncomplete`
 */
export async function previewChange<More = object>(
  context: PreviewContext,
  bulk: Previewable & Pick<BulkChange<unknown>, 'previewToken' | 'archives' | 'noWayBack'>,
  { more = (sql) => sql`select`, ofNone, ofIncomplete, narrowing, except }: PreviewOptions<More> = {},
): Promise<Previewed<More>> {
  requireMeeting(context, bulk.scope)
  const { sql, caller, formerCaller, archiveDays, pressureLimits, within, binding } = context
  const subject = { kind: bulk.kind, filters: bulk.filters, caller: binding?.key ?? caller, within }
  const still_matching = await countStillMatching(sql, bulk, { ...subject, formerCaller }, binding).catch(
    (error: unknown) => rethrowIncomplete(error, narrowing),
  )
  // Read before the snapshot: a failover between the two makes the token stale.
  const origin = await readOrigin(sql)
  const none = ofNone && (await describeNone(sql, bulk, ofNone))
  const described = none ?? (await describeInTime<More>(sql, bulk, { more, ofIncomplete, narrowing }))
  const { now, key, recent, rewritten, pace, more: row, ...about } = described
  const { as_of, count, complete } = about
  const snapshot = snapshotOf({
    now,
    recent: recent && recent.length > mostRecent ? [] : recent,
    rewritten: rewritten.length > mostRewritten ? [] : rewritten,
  })
  const counted = { as_of, snapshot, count, origin, ...(complete === false && { complete }) }
  const token = signToken(keyInMemory(sql) ?? key, subject, { ...counted, excluded: except?.(row) })
  const eta_seconds = Math.ceil(count / Math.max(1, pace ?? usualPace))
  const volume = volumeOf(bulk, { ...about, archiveDays })
  const archive_full = await findFullArchive(sql, pressureLimits, bulk)
  const not_watched = await findUnwatched(sql, pressureLimits)
  return {
    preview: {
      token,
      ...about,
      ...(bulk.noWayBack !== undefined && { no_way_back: bulk.noWayBack }),
      ...volume,
      ...(archive_full && { archive_full }),
      not_watched,
      eta_seconds,
      ...(still_matching !== undefined && { still_matching }),
    },
    more: row,
  }
}

interface DescribeOptions<More> {
  more: MoreOfSet
  ofIncomplete: More | undefined
  narrowing: string | undefined
}

/**
 * Describes the set, or counts as much of it as its time allows.
 * @throws Failure `preview_incomplete`
 */
async function describeInTime<More>(
  sql: Pool,
  bulk: Previewable,
  { more, ofIncomplete, narrowing }: DescribeOptions<More>,
): Promise<Described<More>> {
  try {
    const first = await sql.begin(async (tx) => {
      await tx`select ${limitPreviewTime(tx)}`
      return describe<More>(tx, bulk, { more, doubt: undefined })
    })
    const isInDoubt = first.count > 0 && hasOpenTransactions(first.now)
    return isInDoubt ? await describeInDoubt<More>(sql, bulk, more) : first
  } catch (error) {
    const isOverdue = hasCode(error, ['57014'])
    const counted = isOverdue && ofIncomplete ? await describeAtLeast(sql, bulk, ofIncomplete) : undefined
    return counted ?? rethrowIncomplete(error, narrowing)
  }
}

/** A search that no index serves may not end in time. A change whose jobs nobody has counted is not made. */
export function rethrowIncomplete(error: unknown, hint = 'narrow the filter by domain, queue, status or ids'): never {
  if (!hasCode(error, ['57014'])) throw error
  const detail = 'the search for the jobs took longer than a statement may take; nothing was counted or changed'
  throw new Failure('preview_incomplete', detail, { hint, cause: error })
}

/** Describes the set in a repeatable-read transaction, whose snapshot is known before the statement. */
const describeInDoubt = <More>(sql: Pool, bulk: Previewable, more: MoreOfSet): Promise<Described<More>> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    const [{ now }] = await tx<[{ now: Snapshot }]>`
      select pg_current_snapshot()::text as now, ${limitPreviewTime(tx)}`
    return describe<More>(tx, bulk, { more, doubt: now })
  })
