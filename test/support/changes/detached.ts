import * as z from 'zod'
import { Accepted } from '../../../shared/changes/bulk-change.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { Answer } from '../http.ts'
import { until } from '../poll.ts'
import type { World } from '../world.ts'
import type { Change, Fields } from './bulk-tools.ts'
import { recordOf } from './bulk-tools.ts'

/** The header of a caller that does not wait for its change. */
export const withoutCaller = { prefer: 'respond-async' }

/** Asks for a change that goes on without its caller. */
export const detached = (
  world: Pick<World, 'confirm'>,
  { path, body }: Pick<Change, 'path' | 'body'>,
  fields: Fields = {},
  headers: Record<string, string> = {},
): Promise<Answer> => world.confirm(path, { ...body, ...fields }, { ...withoutCaller, ...headers })

/** The operation of a change that was accepted. @throws the whole answer of another one */
export function acceptedOf({ status, body, headers }: Answer): Accepted {
  if (status !== 202) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  if (headers['preference-applied'] !== 'respond-async') throw new Error('the preference was not applied')
  return Accepted.parse(body)
}

/** The record of an operation once it has ended. */
export const endOf = (world: World, id: number, limit?: number): Promise<OperationRecord> =>
  until(
    `operation ${id} has ended`,
    async () => {
      const record = await recordOf(world, id)
      return record.state === 'running' ? undefined : record
    },
    limit,
  )

/** The last line of the progress of an operation. */
export async function resultOf(world: World, id: number): Promise<unknown> {
  const { body } = await world.call('GET', `/api/v1/jobs/operations/${id}/progress`)
  // A stream of one line is parsed already.
  return typeof body === 'string' ? JSON.parse(body.trim().split('\n').at(-1) ?? '') : body
}

const Traces = z.object({ archived: z.number(), images: z.number(), events: z.number(), in_events: z.number() })

/** What an operation left behind: rows in the archive, row images, its events, and how many jobs these name together. */
export async function tracesOf({ sql }: Pick<World, 'sql'>, id: number): Promise<z.output<typeof Traces>> {
  const [row] = await sql`
    select
      (select count(*)::int from jobs_archive where operation_id = ${id}::bigint) as archived,
      (select count(*)::int from job_operation_rows where operation_id = ${id}::bigint) as images,
      count(*)::int as events, coalesce(sum((attrs_json ->> 'affected')::int), 0)::int as in_events
    from job_events
    where job_id is null and event_type <> 'operation.sealed' and attrs_json ->> 'operation' = ${String(id)}::text`
  return Traces.parse(row)
}
