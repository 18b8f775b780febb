import { setTimeout as wait } from 'node:timers/promises'
import type { Waiting } from '../../../shared/changes/waiting.ts'
import { Failure } from '../../../shared/errors.ts'
import { waitingOf } from '../../bulk/pressure/record.ts'
import { partialFailure } from '../../bulk/record/partial-failure.ts'
import type { Acting, Call, Reading, Requested } from '../../call.ts'
import { freezeClause, freezeOf } from '../../database/installation/freeze.ts'
import { countsWithin, isRecordWithin } from '../../database/scope-of-record.ts'
import { abilitiesOf } from '../../engines/abilities.ts'
import { servedBy } from '../../engines/served.ts'
import type { InputOf, OutputOf } from '../handlers.ts'

/**
 * Asks a running operation to stop after its batch. An operation that has ended stays as it is.
 * @throws Failure `not_found`
 */
export async function stopOperation(
  { sql, caller, reason, within }: Reading & Pick<Acting, 'caller'> & Pick<Requested, 'reason'>,
  { id }: InputOf<'stopOperation'>,
): Promise<OutputOf<'stopOperation'>> {
  const [row] = await sql<{ state: string }[]>`
    with record as (select id, state from job_operations where id = ${id}::bigint ${isRecordWithin(sql, within)}),
    requested as (
      insert into jobsctl_stops (operation_id, caller, reason)
      select id, ${caller}::text, ${reason ?? null}::text from record where state = 'running'
      on conflict (operation_id) do nothing
    )
    select state from record`
  if (!row) throw unknownOperation(id)
  return { id, state: row.state, stop_requested: row.state === 'running' }
}

const pollMs = 500

interface Course {
  state: string
  affected: number
  batches: number
  previewed: number | null
  elapsed_ms: number
  error: string | null
  has_key: boolean
  answer: object | null
  waiting: Waiting | null
  /** The row of the freeze. */
  freeze: string | null
  /** The time of the database, in seconds since 1970. */
  now: number
}

/**
 * Reports the progress of an operation until it has ended.
 * @returns the response of the change
 * @throws Failure `not_found`; `partial` where the operation stopped before its end; `shutting_down`
 */
export async function followOperation(
  call: Reading & Pick<Call, 'stopping' | 'disconnected' | 'reportProgress' | 'recheckCredentials'>,
  { id }: InputOf<'followOperation'>,
): Promise<OutputOf<'followOperation'>> {
  for (let looks = 1; ; looks++) {
    const course = await readCourse(call, id)
    const { affected, batches, previewed: total, elapsed_ms } = course
    const waiting = course.waiting ?? waitingForThaw(course)
    call.reportProgress({ operation_id: id, affected, total, batches, elapsed_ms, ...(waiting && { waiting }) })
    if (course.state !== 'running') return endOf(call, id, course)
    if (call.stopping.aborted || call.disconnected().aborted) {
      throw new Failure('shutting_down', `operation ${id} goes on, and this server stops telling of it`, {
        retryAfter: 1,
      })
    }
    if (looks % 20 === 0) await call.recheckCredentials()
    await wait(pollMs)
  }
}

async function readCourse({ sql, within }: Reading, id: number): Promise<Course> {
  const [row] = await sql<Course[]>`
    select state, affected, batches, previewed, error, ${countsWithin(sql, sql`answer`, within)} as answer, idempotency_key is not null as has_key, ${waitingOf(sql)} as waiting,
      (extract(epoch from coalesce(ended_at, clock_timestamp()) - started_at) * 1000)::bigint as elapsed_ms,
      value as freeze, extract(epoch from clock_timestamp())::float8 as now
    from job_operations
    left join jobsctl_settings on name = 'freeze'
    where id = ${id}::bigint ${isRecordWithin(sql, within)}`
  if (!row) throw unknownOperation(id)
  return row
}

/** A running operation waits while the database is frozen: no batch of it begins. */
function waitingForThaw({ state, freeze, now }: Course): Waiting | undefined {
  if (state !== 'running' || freeze === null) return undefined
  const { by, ...rest } = freezeOf(freeze)
  const since = Date.parse(rest.since) / 1000
  const seconds = Number.isNaN(since) ? 0 : Math.max(0, Math.round(now - since))
  return { why: 'frozen', name: by, value: seconds, limit: 0, detail: freezeClause({ by, ...rest }), seconds }
}

function endOf(
  { sql }: Pick<Reading, 'sql'>,
  id: number,
  { state, affected, error, has_key, answer }: Course,
): Record<string, unknown> {
  if (state !== 'partial' && state !== 'failed') return { ...answer, operation_id: id }
  const { changes } = abilitiesOf(servedBy(sql))
  const first = changes === true ? undefined : changes.instead
  throw partialFailure({ id, affected, why: error ?? 'the operation stopped', hasKey: has_key, first })
}

const unknownOperation = (id: number): Failure =>
  new Failure('not_found', `there is no operation ${id}`, { hint: 'jobsctl operations lists them' })
