import type { BenchServer } from '../setup/servers.ts'
import { measureLatency } from './latency.ts'

const callsPerSecond = 50

/** The 99th percentile of the latency of each call, in milliseconds. */
export interface Latencies {
  enqueue: number
  acquire: number
}

const job = { domain: 'beside', queue: 'live', job_type: 'task', payload: { number: 1 } }
const acquisition = { domain: 'beside', queue: 'live', worker_id: 'beside', lease_seconds: 600 }

/** Enqueues jobs into a queue of its own and acquires them, at a steady rate, until `meanwhile` settles. */
export async function latenciesDuring({ api }: BenchServer, meanwhile: Promise<unknown>): Promise<Latencies> {
  const [enqueue, acquire] = await Promise.all([
    measureLatency(callsPerSecond, meanwhile, () => api.post('/api/v1/jobs', job)),
    measureLatency(callsPerSecond, meanwhile, () => api.post('/api/v1/jobs/acquire', acquisition)),
  ])
  return { enqueue, acquire }
}
