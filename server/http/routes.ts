import type { Handler, Hono } from 'hono'
import type { Stream } from '../../shared/endpoint.ts'
import type { StreamName } from '../../shared/endpoint-names.ts'
import { eventStream, statsStream } from '../../shared/endpoints.ts'
import type { ServerContext } from '../call.ts'
import { handlers, minimalHandlers } from '../endpoints/all.ts'
import { type HandledName, handledEndpoints } from '../endpoints/handlers.ts'
import { allow } from './allow.ts'
import { mount } from './mount.ts'
import type { RequestContext } from './request/request-context.ts'
import { streamEvents } from './streams/event-stream.ts'
import { streamStats } from './streams/stats-stream.ts'

/** Each stream with what answers it; one that is missing does not compile. */
const streams: Record<StreamName, readonly [Stream, (serving: ServerContext) => Handler<RequestContext>]> = {
  statsStream: [statsStream, streamStats],
  eventStream: [eventStream, streamEvents],
}

/** Mounts the whole API. */
export function mountRoutes(app: Hono<RequestContext>, serving: ServerContext): void {
  const mountHandler = <N extends HandledName>(name: N) =>
    mount(app, serving, handledEndpoints[name], handlers[name], minimalHandlers[name])
  for (const name of Object.keys(handlers).filter(isHandled)) mountHandler(name)
  for (const [stream, answer] of Object.values(streams)) app.get(stream.path, allow(stream), answer(serving))
}

const isHandled = (name: string): name is HandledName => Object.hasOwn(handlers, name)
