import { performance } from 'node:perf_hooks'
import {
  context,
  diag,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'
import type { Context, HonoRequest, MiddlewareHandler } from 'hono'
import { version } from '../../../shared/version.ts'
import { afterResponse, routeOf } from './after-response.ts'
import type { RequestContext } from './request-context.ts'

const tracer = trace.getTracer('jobsctl', version)

/** Without an SDK nothing reads a header. */
const headersOf: TextMapGetter<HonoRequest> = {
  get: (request, name) => request.header(name),
  keys: (request) => Object.keys(request.header()),
}

/**
 * Makes a span of each request, where the process has loaded an SDK of OpenTelemetry, as a child of the caller's span
 * (`traceparent`). Without an SDK the calls of the API do nothing.
 */
export const traceRequests: MiddlewareHandler<RequestContext> = (c, next) => {
  const parent = propagation.extract(context.active(), c.req, headersOf)
  const options = { kind: SpanKind.SERVER, attributes: { 'http.request.method': c.req.method } }
  return tracer.startActiveSpan(c.req.method, options, parent, async (span) => {
    try {
      const traceparent = traceparentOf(span.spanContext(), c.req.header('traceparent'))
      c.set('traceparent', traceparent)
      c.set('traceId', traceparent?.slice(3, 35))
      await next()
    } finally {
      const ended = performance.now()
      if (span.isRecording()) afterResponse(() => endSpan(span, c, ended))
    }
  })
}

/** @param ended the time as of `performance.now()` */
function endSpan(span: Span, c: Context<RequestContext>, ended: number): void {
  try {
    const route = routeOf(c)
    span.updateName(`${c.req.method} ${route}`)
    // Nothing has set a response where a handler threw what is no Error.
    const status = c.finalized ? c.res.status : 500
    span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(ended)
  } catch (error) {
    // A span processor of the deployment that throws does not end the server.
    diag.error('the span of a request could not end', error)
  }
}

/** Only a version after 00 may have more fields. */
const given = /^(?!ff|00-.{53})[0-9a-f]{2}-([0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(?:-|$)/
const none = /^0+$/

/**
 * The span of the server, or else that of the header `traceparent` (W3C Trace Context, 3.2) in the form of version 00, with its flags, of
 * which one says whether the trace is sampled; undefined where neither names one.
 */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext, header: string | undefined): string | undefined {
  if (!none.test(traceId)) return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const fields = given.exec(header?.trim() ?? '')?.[1]
  return fields === undefined || fields.startsWith('0'.repeat(32)) ? undefined : `00-${fields}`
}
