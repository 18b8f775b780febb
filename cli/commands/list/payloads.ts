import { Failure } from '../../../shared/errors.ts'
import { showJob } from '../../../shared/jobs/show.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'

/** The calls that run at once: a list is no reason to keep a server from its workers. */
const atOnce = 4

/**
 * The rows of a list with the payload of each job, in their order. The payload of a job that is gone is null.
 * @param rows a page of the list as the server sent it
 * @param raw whether values that look secret are shown
 */
export async function withPayloads(
  context: Context,
  { ids, rows, raw }: { ids: readonly JobId[]; rows: unknown; raw: boolean },
): Promise<unknown> {
  const payloads: unknown[] = []
  for (let from = 0; from < ids.length; from += atOnce) {
    const some = ids.slice(from, from + atOnce).map((id) => payloadOf(context, id, raw))
    payloads.push(...(await Promise.all(some)))
  }
  return Array.isArray(rows) ? rows.map((row, at) => ({ ...Object(row), payload: payloads[at] ?? null })) : rows
}

async function payloadOf(context: Context, id: JobId, raw: boolean): Promise<unknown> {
  // Each call has its own deadline, unless --timeout gives one for all of them.
  const client = context.settings.timeoutGiven ? await context.client() : await context.newClient()
  const answer = await client.call(showJob, { id: String(id), redact: !raw }).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'not_found') return undefined
    throw error
  })
  return new Map(Object.entries(answer?.raw ?? {})).get('payload')
}
