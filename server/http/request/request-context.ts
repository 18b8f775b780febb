import type { HttpBindings } from '@hono/node-server'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { Caller } from '../../auth/authenticate.ts'

/** The call of a tool, as the endpoints that it calls see it. */
export interface ToolCall {
  caller: Caller
  /** Takes what an endpoint has given. */
  gave: (given: { rows: number; fields: readonly string[] }) => void
}

/** The values that a request carries through the app. */
export interface RequestContext {
  Bindings: HttpBindings & {
    /** Set where a tool of an agent makes the call in this process: the caller is known then. */
    tool?: ToolCall
  }
  Variables: {
    requestId: string
    /** 32 hexadecimal digits: the trace that the request is part of. */
    traceId: string | undefined
    /** The span of the request, or else of its caller, as the header `traceparent` has it. */
    traceparent: string | undefined
    /** Set by `routeOf`. */
    route: string | undefined
    /** The address of the caller, or the network of an IPv6 address. */
    address: string | undefined
    /** The operation that the call runs or follows. */
    operation: number | undefined
    caller: Caller
    /** The names in the request of an agent whose pseudonyms it sent. */
    hiddenNames: readonly string[] | undefined
    /** What an agent asks without a tool, as it was sent. */
    askedByAgent: { tool: string; filter: unknown } | undefined
    /** The caller by its credentials as they are now. Throws Failure `unauthenticated`. */
    authenticateAgain: () => Promise<Caller>
    /** For calls that last: whether the caller may still be answered. Throws Failure `unauthenticated` or `forbidden`. */
    stillAllowed: () => Promise<void>
    /** What a caller of metrics is limited to. */
    seriesWithin: TokenScope | undefined
    /** True when the call may change rows. */
    changing: boolean
    /** The number of rows that the call has changed. */
    rows: number
    /** True when the response is a stream that is still written. */
    isStream: boolean
    /** Reports progress, which restarts the call's inactivity timeout. */
    alive: (() => void) | undefined
  }
}
