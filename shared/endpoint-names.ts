import type { Endpoint } from './endpoint.ts'
import type * as endpoints from './endpoints.ts'

/** All endpoints and streams of the API, by the names under which `shared/endpoints.ts` exports them. */
export type Endpoints = typeof endpoints

/** The names of the endpoints, whose answers end. */
export type EndpointName = { [N in keyof Endpoints]: Endpoints[N] extends Endpoint ? N : never }[keyof Endpoints]

/** The names of the streams. */
export type StreamName = Exclude<keyof Endpoints, EndpointName>
