import type { Context } from 'hono'
import type { Accepted } from '../../shared/changes/bulk-change.ts'
import { respondAsync } from '../../shared/headers.ts'
import { prefixOf } from './browser/base-path.ts'
import type { RequestContext } from './request/request-context.ts'
import { respond } from './respond.ts'

/** Responds 202 with the operation of a change that goes on without its caller. */
export function respondAccepted(c: Context<RequestContext>, accepted: Accepted): Response {
  c.set('operation', accepted.operation_id)
  return respond(c, JSON.stringify(accepted), {
    status: 202,
    more: {
      Location: `${prefixOf(c)}/api/v1/jobs/operations/${accepted.operation_id}`,
      'Preference-Applied': respondAsync,
    },
  })
}
