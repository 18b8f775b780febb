import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../../bench.ts'
import type { Figure, Pair } from '../../figure.ts'
import { type Latencies, latenciesDuring } from '../../load/enqueue-and-acquire.ts'
import { memoize } from '../../memoize.ts'
import { copyOfPrunable, prune } from '../../setup/prunable.ts'

/** The rounds of both figures. Each round has its own copy of the table: 5 s without a prune, then a prune. */
const measureRounds = memoize(async (bench: Bench) => {
  const rounds: { during: Latencies; idle: Latencies }[] = []
  for (let round = 0; round < 3; round++) {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name)
    await latenciesDuring(server, wait(1000))
    const idle = await latenciesDuring(server, wait(5000))
    const during = await latenciesDuring(server, prune(server))
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
