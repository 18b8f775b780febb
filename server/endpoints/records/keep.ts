import { Failure } from '../../../shared/errors.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Reading, ServerContext } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Fragment, Sql, Transaction } from '../../database/sql.ts'
import { wireTime } from '../../lifecycle/events/job-events.ts'
import { archivedAt, hasArchive } from '../../undo/archive/archive.ts'
import { hasKeptRows } from '../../undo/way-back.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { recordOf } from './records.ts'

type KeepCall = ActingCall & Reading & Pick<ServerContext, 'archiveDays'>

/** The longest term of an operation, that of `JOBS_ARCHIVE_DAYS`. */
const mostDays = 3650

/**
 * Prolongs the term of an operation's archived jobs and row images, with an event. A term is never made shorter.
 * @throws Failure `not_found`; `conflict` for an operation that runs, and for one of which nothing is kept;
 *   `invalid_request` for a time that is over, or too far away
 */
export async function keepOperation(
  call: KeepCall,
  { id, until }: InputOf<'keepOperation'>,
): Promise<OutputOf<'keepOperation'>> {
  const { state } = await recordOf(call, id)
  if (state === 'running') throw refused(`operation ${id} is still running`, 'wait until the operation has ended')
  if (!(await hasKeptRows(call.sql, id)))
    throw refused(`nothing of operation ${id} is kept, or it is kept no longer`, undefined)
  const archived = (await hasArchive(call.sql))
    ? archivedAt(call.sql, call.sql`record.id`)
    : call.sql`null::timestamptz`
  const row = await unlessFrozen(call.sql, async (sql) => {
    const [kept] = await prolong({ ...call, sql }, { id, until, archived })
    if (kept) await recordKept(sql, call, { id, ...kept })
    return kept
  })
  if (row) return { id, kept_until: row.kept_until }
  const detail = `until must be later than now, and at most ${mostDays} days after the end of the operation; nothing was changed`
  throw new Failure('invalid_request', detail, { faults: [{ path: 'until', message: 'is over, or too far away' }] })
}

const recordKept = (
  sql: Transaction,
  call: KeepCall,
  { id, kept_until, ...scope }: Kept & { id: number },
): Promise<void> =>
  recordAct(sql, actorOf(call), {
    kind: 'operation.kept',
    scope,
    details: { operation: id, kept_until },
  })

const refused = (why: string, hint: string | undefined): Failure =>
  new Failure('conflict', `${why}; nothing was changed`, { hint })

interface Kept {
  kept_until: string
  domain: string | null
  queue: string | null
  job_type: string | null
}

interface Prolonging {
  id: number
  until: string
  /** When its jobs were archived, null where none is. */
  archived: Fragment
}

/** No row where the time is over or too far away. The term counts from the earlier of the two times, as retention takes either. */
const prolong = ({ sql, ...call }: Omit<KeepCall, 'sql'> & { sql: Sql }, { id, until, archived }: Prolonging) => sql<
  Kept[]
>`
  with asked as materialized (
    select
      record.id, domain, queue, job_type, least(nullif(${archived}, '-infinity'), coalesce(ended_at, started_at)) as since,
      ceil(extract(epoch from ${until}::text::timestamptz - least(nullif(${archived}, '-infinity'), coalesce(ended_at, started_at))) / 86400) as days
    from job_operations as record
    where record.id = ${id}::bigint and ${until}::text::timestamptz > now()
  ),
  term as (
    insert into jobsctl_operation_terms as stored (operation_id, archive_days)
    select id, greatest(days, ${call.archiveDays}::int)::int from asked where days <= ${mostDays}::int
    on conflict (operation_id) do update
    set archive_days = greatest(stored.archive_days, (select days from asked)::int)
    returning archive_days
  ),
  kept as (
    select asked.*, since + archive_days * interval '24 hours' as kept_until from term cross join asked
  ),
  event as (
    insert into job_events (domain, queue, job_type, event_type, attrs_json, request_id)
    select domain, queue, job_type, 'operation.kept',
      jsonb_strip_nulls(jsonb_build_object(
        'operation', id, 'kept_until', ${wireTime(sql, sql`kept_until`)}, 'caller', ${call.caller}::text,
        'reason', ${call.reason ?? null}::text
      )),
      ${call.requestId}::text
    from kept
  )
  select kept_until, domain, queue, job_type from kept`
