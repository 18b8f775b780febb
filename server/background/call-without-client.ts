import type { Call, ServerContext } from '../call.ts'

interface Behalf {
  caller: string
  reason: string | null
  requestId: string
}

/** A call that the server makes itself, on behalf of a caller who does not wait for it. */
export function callWithoutClient(serving: ServerContext, { caller, reason, requestId }: Behalf): Call {
  const never = new AbortController().signal
  return {
    ...serving,
    sql: serving.operatorSql,
    caller,
    identity: { name: caller, role: '', principal: caller },
    may: new Set(),
    within: undefined,
    leaseOwner: undefined,
    session: undefined,
    formerCaller: undefined,
    requestId,
    traceId: undefined,
    address: undefined,
    reason: reason ?? undefined,
    idempotencyKey: undefined,
    detach: undefined,
    emergency: false,
    approved: undefined,
    binding: undefined,
    policy: undefined,
    resumes: undefined,
    recheckCredentials: async () => {},
    disconnected: () => never,
    reportProgress: () => {},
    addHeader: () => {},
    reportChangedRows: () => {},
  }
}
