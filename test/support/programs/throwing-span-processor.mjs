import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

/** Loaded by `node --import`: an SDK of OpenTelemetry whose processor of spans throws at the end of each, after it said so. */
const processor = {
  onStart() {},
  onEnd() {
    console.error('the processor throws')
    throw new Error('the processor is broken')
  },
  forceFlush: async () => {},
  shutdown: async () => {},
}

new NodeTracerProvider({ spanProcessors: [processor] }).register({ contextManager: null })
