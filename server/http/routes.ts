import type { Hono, Handler as Middleware, MiddlewareHandler } from 'hono'
import type { BulkName } from '../../shared/changes/kinds.ts'
import type { Stream } from '../../shared/endpoint.ts'
import type { StreamName } from '../../shared/endpoint-names.ts'
import { eventStream, statsStream } from '../../shared/endpoints.ts'
import { refuseAgent } from '../auth/agents/require-agent.ts'
import { byCaller, type Done } from '../bulk/change/commission.ts'
import type { ServerContext } from '../call.ts'
import { handlers, minimalHandlers } from '../endpoints/all.ts'
import { changes, isBulkName } from '../endpoints/changes/all.ts'
import { requireReach } from '../endpoints/engine-reach.ts'
import { type Handler, type Handlers, handledEndpoints } from '../endpoints/handlers.ts'
import { placeOfCall } from '../endpoints/placed.ts'
import { applyPlan } from '../endpoints/plans/apply.ts'
import type { Place } from '../engines/served.ts'
import { allow } from './allow.ts'
import { mount } from './mount.ts'
import { requireEngine } from './request/admit.ts'
import { atStandby } from './request/read-at.ts'
import type { RequestContext } from './request/request-context.ts'
import { streamEvents } from './streams/event-stream.ts'
import { streamStats } from './streams/stats-stream.ts'

/** Each stream with what answers it; one that is missing does not compile. */
const streams: Record<StreamName, readonly [Stream, (serving: ServerContext) => Middleware<RequestContext>]> = {
  statsStream: [statsStream, streamStats],
  eventStream: [eventStream, streamEvents],
}

/** Mounts the whole API. */
export function mountRoutes(app: Hono<RequestContext>, serving: ServerContext): void {
  const mountChange = <N extends BulkName>(name: N) =>
    mount(app, serving, handledEndpoints[name], (call, input) => changes[name](call, byCaller(call), input))
  for (const name of Object.keys(changes).filter(isBulkName)) mountChange(name)
  mount(app, serving, handledEndpoints.applyPlan, applyPlan)
  const mountHandler = <N extends keyof Handlers>(name: N) =>
    mount(app, serving, handledEndpoints[name], answering(handlers[name]), minimalHandlers[name])
  for (const name of Object.keys(handlers).filter(isHandled)) mountHandler(name)
  for (const [stream, answer] of Object.values(streams))
    app.get(stream.path, allow(stream), supported(serving, stream), byPlace(serving, stream, answer))
}

/** A stream is about the place that it names by its domain, or that its caller is limited to. */
function byPlace(
  serving: ServerContext,
  stream: Stream,
  answer: (serving: ServerContext) => Middleware<RequestContext>,
): Middleware<RequestContext> {
  const ofAll = answer(serving)
  const known = new Map<Place, Middleware<RequestContext>>()
  return async (c, next) => {
    const asked = { input: { domain: c.req.query('domain')?.trim() || undefined }, within: c.get('caller').within }
    const place = await placeOfCall(serving.operatorSql, stream, asked)
    if (!place) return ofAll(c, next)
    const { id, within } = c.get('caller')
    await requireReach(serving.operatorSql, place, { caller: id, within })
    const made = known.get(place) ?? answer({ ...serving, ...serving.over(place) })
    known.set(place, made)
    return made(c, next)
  }
}

/** A stream asks of the engine what its call asks, before it begins. */
const supported =
  ({ abilities, standby }: ServerContext, { verb }: Stream): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    refuseAgent(c.get('caller'), 'follows no stream')
    if (standby.isOn()) throw atStandby('streams need the primary')
    requireEngine(c, abilities(), { asked: [verb], writes: false })
    await next()
  }

const answering =
  <In, Out>(run: Handler<In, Out>): Handler<In, Done<Out>> =>
  async (call, input) => ({ answer: await run(call, input) })

const isHandled = (name: string): name is keyof Handlers => Object.hasOwn(handlers, name)
