import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

/** Loaded by `node --import`: an SDK of OpenTelemetry that prints each span to standard error, a line of JSON each. */
const exporter = {
  export: (spans, done) => {
    for (const { name, kind, attributes, parentSpanContext, spanContext } of spans.map(readable))
      console.error(
        JSON.stringify({ span: { name, kind, attributes, parent: parentSpanContext?.spanId ?? null, ...spanContext } }),
      )
    done({ code: 0 })
  },
  shutdown: async () => {},
}

const readable = (span) => ({
  ...{ name: span.name, kind: span.kind, attributes: span.attributes },
  ...{ parentSpanContext: span.parentSpanContext, spanContext: span.spanContext() },
})

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register({ contextManager: null })
