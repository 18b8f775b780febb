import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import type { Figure, Pair } from '../figure.ts'
import { steadily } from '../load/steadily.ts'
import { once } from '../once.ts'
import { copyOfPrunable, prune } from '../stage/prunable.ts'
import type { BenchServer } from '../stage/servers.ts'

const perSecond = 50

/** How long callers wait, in milliseconds: of a hundred only one waits longer. */
interface Waits {
  enqueue: number
  acquire: number
}

const job = { domain: 'beside', queue: 'live', job_type: 'task', payload: { number: 1 } }
const taking = { domain: 'beside', queue: 'live', worker_id: 'beside', lease_seconds: 600 }

/** Others put jobs into another queue and take them, at a steady rate, while something goes on. */
async function waits({ api }: BenchServer, meanwhile: Promise<unknown>): Promise<Waits> {
  const [enqueue, acquire] = await Promise.all([
    steadily(perSecond, meanwhile, () => api.post('/api/v1/jobs', job)),
    steadily(perSecond, meanwhile, () => api.post('/api/v1/jobs/acquire', taking)),
  ])
  return { enqueue, acquire }
}

/** Both figures come from the same rounds: each an idle time and a prune of a copy of its own. */
const measuredWaits = once(async (bench: Bench) => {
  const rounds: { during: Waits; idle: Waits }[] = []
  for (let round = 0; round < 3; round++) {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name)
    await waits(server, wait(1000))
    const idle = await waits(server, wait(5000))
    const during = await waits(server, prune(server))
    rounds.push({ during, idle })
    await server.stop()
    await copy.drop()
  }
  return rounds
})

const waiting = (call: keyof Waits): Figure => ({
  name: `prune: p99 of ${call} during it`,
  ...{ against: 'the same, idle', unit: 'ms', ratio: 'ours / against', reach: { atMost: 3 } },
  async measure(bench): Promise<Pair> {
    const rounds = await measuredWaits(bench)
    return { ours: rounds.map(({ during }) => during[call]), against: rounds.map(({ idle }) => idle[call]) }
  },
})

/** A bulk change must leave room for those who work. */
export const besidePrune: readonly Figure[] = [waiting('enqueue'), waiting('acquire')]
