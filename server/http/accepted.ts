import type { Context } from 'hono'
import { respondAsync } from '../../shared/headers.ts'
import { AcceptedChange } from '../bulk/detached/accepted.ts'
import { prefixOf } from './browser/base-path.ts'
import type { RequestContext } from './request/request-context.ts'
import { respond } from './respond.ts'

/**
 * Responds 202 with the operation of a change that goes on without its caller.
 * @throws the error of a change that does not begin
 */
export async function respondAccepted(c: Context<RequestContext>, change: Promise<unknown>): Promise<Response> {
  const ended = await change.catch((error: unknown) => {
    if (error instanceof AcceptedChange) return error
    throw error
  })
  if (!(ended instanceof AcceptedChange)) return respond(c, JSON.stringify(ended))
  const { accepted } = ended
  c.set('operation', accepted.operation_id)
  return respond(c, JSON.stringify(accepted), {
    status: 202,
    more: {
      Location: `${prefixOf(c)}/api/v1/jobs/operations/${accepted.operation_id}`,
      'Preference-Applied': respondAsync,
    },
  })
}
