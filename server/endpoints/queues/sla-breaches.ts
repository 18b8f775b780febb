import * as z from 'zod'
import type { BreachesRequest, SlaBreach } from '../../../shared/queues/sla.ts'
import type { Listing } from '../../call.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { readBounded } from '../bounded-read.ts'
import { openCursor, pageLink, sealCursor, unlessForged } from '../paging.ts'
import { mostPolicies } from './sla-policies.ts'
import { type JudgedJob, mostRunning, type Position, readBreaches } from './sla-read.ts'

/** The last job of a page. The time is a text of PostgreSQL, null for a job without a time of creation. */
const Cursor = z.strictObject({ created_at: z.string().nullable(), id: z.string().regex(/^-?\d{1,16}$/) })

/**
 * A page of the live jobs over a limit of their group, with the header `Link` to the next page, and `X-Complete`. It is `false` where more
 * jobs of groups with policies are running, or more policies are there, than are read.
 * @throws Failure `invalid_request` for a cursor of another list
 */
export async function listSlaBreaches(call: Listing, request: BreachesRequest): Promise<SlaBreach[]> {
  const cursor: Position | undefined = openCursor(request, Cursor)
  const rows = await readBounded(call.sql, ['jobsctl_waiting'], () =>
    call.sql.begin(async (tx) => {
      await tx`select ${limitReadTime(tx)}`
      return readBreaches(tx, { ...request, within: call.within }, cursor)
    }),
  ).catch(
    unlessForged(call.sql, cursor && call.sql`${cursor.created_at}::text::timestamptz, ${cursor.id}::text::bigint`),
  )
  const [bounds] = rows
  const found = rows.filter((row): row is typeof row & JudgedJob => row.id !== null)
  const page = found.slice(0, request.limit)
  const last = page.at(-1)
  if (last && found.length > page.length) {
    const place = { created_at: last.created_at, id: String(last.id) }
    call.addHeader('Link', pageLink({ ...request, cursor: sealCursor(place, request) }, 'next'))
  }
  const isComplete = !bounds || (bounds.policies <= mostPolicies && bounds.running <= mostRunning)
  call.addHeader('X-Complete', String(isComplete))
  return page.map(breachOf)
}

/** The job as the other server answers it: the fields of a limit are there only where the job is over it. */
function breachOf({ id, domain, queue, job_type, status, wait, max_wait, run, max_run }: JudgedJob): SlaBreach {
  const waits = wait !== null && max_wait !== null && wait > max_wait
  const runs = run !== null && max_run !== null && run > max_run
  return {
    job_id: id,
    domain,
    queue,
    job_type,
    status,
    breach_kinds: [...(waits ? (['queue_latency'] as const) : []), ...(runs ? (['duration'] as const) : [])],
    ...(waits && { wait_seconds: tenths(wait), max_wait_seconds: max_wait }),
    ...(runs && { processing_seconds: tenths(run), max_processing_seconds: max_run }),
  }
}

const tenths = (seconds: number): number => Math.round(seconds * 10) / 10
