import type * as z from 'zod'
import type { BulkName } from '../../shared/changes/kinds.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import type { EndpointName, Endpoints } from '../../shared/endpoint-names.ts'
import * as endpoints from '../../shared/endpoints.ts'
import type { Call } from '../call.ts'

/**
 * Two endpoints answer a browser that has no session yet: `http/browser/session-routes.ts` mounts them before the check of credentials. One
 * needs the key or token itself (`http/agents/session-routes.ts`).
 */
type WithoutCaller = 'openSession' | 'showSession' | 'openAgentSession'

/** The names of the endpoints that need a caller, and no more of it than a call has. */
export type HandledName = Exclude<EndpointName, WithoutCaller>

export type InputOf<N extends HandledName> = z.output<Endpoints[N]['input']>
/** The input of an endpoint of one job of our own, once its id is known. */
export type OwnInputOf<N extends HandledName> = Omit<InputOf<N>, 'id'> & { id: number }
export type OutputOf<N extends HandledName> = z.output<Endpoints[N]['output']>

/** Makes a call whose input is validated. */
export type Handler<In, Out> = (call: Call, input: In) => Promise<Out>

/** An endpoint by what its input and output are once they are parsed. */
export type TypedEndpoint<In, Out> = Endpoint<z.ZodType<In>, z.ZodType<Out>>

/** The endpoints whose changes may go on without their callers. */
type ChangeName = BulkName | 'applyPlan'

/** A handler for each other endpoint. An endpoint without one does not compile. */
export type Handlers = { [N in Exclude<HandledName, ChangeName>]: Handler<InputOf<N>, OutputOf<N>> }

/** The smaller response to a request with `Prefer: return=minimal` (RFC 7240). */
export interface MinimalResponse {
  body: object
  /** True when the call created what it answers, so that the status is 201. */
  created?: boolean
}

/** Handlers of calls that ask for a smaller response. An endpoint with one has `minimal: true`, so that the documents say so. */
export type MinimalHandlers = { [N in keyof Handlers]?: Handler<InputOf<N>, MinimalResponse> }

/** All endpoints that need a caller, each typed as its handler needs it. */
export const handledEndpoints: { [N in HandledName]: TypedEndpoint<InputOf<N>, OutputOf<N>> } = endpoints
