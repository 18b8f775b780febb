import type { Context } from 'hono'
import { headers, isConfirmed } from '../../../shared/headers.ts'
import type { Caller } from '../../auth/authenticate.ts'
import { isSingleSignOn } from '../../auth/single-sign-on-id.ts'
import type { Call, Reporting, Requested, ServerContext } from '../../call.ts'
import type { Admitted } from './admit.ts'
import type { RequestContext } from './request-context.ts'

type Own = Pick<Requested, 'detach'> & Pick<Reporting, 'disconnected' | 'reportProgress' | 'addHeader'>

/** The call of a request: who makes it, what its headers ask for, and how it reports to the response. */
export function callOf(
  c: Context<RequestContext>,
  serving: ServerContext,
  { reason, idempotencyKey }: Admitted,
  { detach, disconnected, reportProgress, addHeader }: Own,
): Call {
  const caller = c.get('caller')
  return {
    caller: caller.id,
    identity: caller,
    may: caller.may,
    within: caller.within,
    leaseOwner: caller.leaseOwner,
    session: caller.session,
    formerCaller: formerCallerOf(caller),
    requestId: c.get('requestId'),
    traceId: c.get('traceId'),
    traceparent: c.get('traceparent'),
    address: c.get('address'),
    recheckCredentials: c.get('stillAllowed'),
    reason,
    idempotencyKey,
    emergency: isConfirmed(c.req.header(headers.emergency)),
    detach,
    reportProgress: (progress) => {
      c.set('operation', progress.operation_id)
      reportProgress(progress)
    },
    disconnected,
    addHeader,
    reportChangedRows: (rows: number) => c.set('rows', rows),
    ...serving, // last, because adding fields to an object that was spread takes forty times as long
  }
}

/** A name that looks like an id could be chosen to pass for another token, and one that a provider has given for any. */
const formerCallerOf = ({ id, name }: Caller): string | undefined =>
  isSingleSignOn(id) || /^[0-9a-f]{12}$/.test(name) ? undefined : name
