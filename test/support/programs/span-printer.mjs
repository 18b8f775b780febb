import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

/** Loaded by `node --import`: an SDK of OpenTelemetry that prints each span to standard error, a line of JSON each. */
const exporter = {
  export: (spans, done) => {
    for (const { parentSpanContext, spanContext, ...span } of spans.map(readable))
      console.error(JSON.stringify({ span: { ...span, parent: parentSpanContext?.spanId ?? null, ...spanContext } }))
    done({ code: 0 })
  },
  shutdown: async () => {},
}

const readable = (span) => ({
  ...{ name: span.name, kind: span.kind, attributes: span.attributes },
  duration: span.duration,
  ...{ parentSpanContext: span.parentSpanContext, spanContext: span.spanContext() },
})

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register({ contextManager: null })
