import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import type { Figure, Pair } from '../figure.ts'
import { measureLatency } from '../load/latency.ts'
import { memoize } from '../memoize.ts'
import { copyOfPrunable, prune } from '../setup/prunable.ts'
import type { BenchServer } from '../setup/servers.ts'

const callsPerSecond = 50

/** The 99th percentile of the latency of each call, in milliseconds. */
interface Latencies {
  enqueue: number
  acquire: number
}

const job = { domain: 'beside', queue: 'live', job_type: 'task', payload: { number: 1 } }
const acquisition = { domain: 'beside', queue: 'live', worker_id: 'beside', lease_seconds: 600 }

/** Enqueues jobs into another queue and acquires them, at a steady rate, until `meanwhile` settles. */
async function latencies({ api }: BenchServer, meanwhile: Promise<unknown>): Promise<Latencies> {
  const [enqueue, acquire] = await Promise.all([
    measureLatency(callsPerSecond, meanwhile, () => api.post('/api/v1/jobs', job)),
    measureLatency(callsPerSecond, meanwhile, () => api.post('/api/v1/jobs/acquire', acquisition)),
  ])
  return { enqueue, acquire }
}

/** The rounds of both figures. Each round has its own copy of the table: 5 s without a prune, then a prune. */
const measureRounds = memoize(async (bench: Bench) => {
  const rounds: { during: Latencies; idle: Latencies }[] = []
  for (let round = 0; round < 3; round++) {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name)
    await latencies(server, wait(1000))
    const idle = await latencies(server, wait(5000))
    const during = await latencies(server, prune(server))
    rounds.push({ during, idle })
    await server.stop()
    await copy.drop()
  }
  return rounds
})

const figure = (call: keyof Latencies): Figure => ({
  name: `prune: p99 latency of ${call} during a prune`,
  ...{ against: 'the same without a prune', unit: 'ms', ratio: 'ours / against', target: { atMost: 3 } },
  async measure(bench): Promise<Pair> {
    const rounds = await measureRounds(bench)
    return { ours: rounds.map(({ during }) => during[call]), against: rounds.map(({ idle }) => idle[call]) }
  },
})

/** A prune must not slow down other callers much. */
export const latencyDuringPrune: readonly Figure[] = [figure('enqueue'), figure('acquire')]
