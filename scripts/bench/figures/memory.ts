import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'

const mostMegabytes = 200

/** Of the servers that have run since the figures that asked for them, the one that holds the most. */
async function largest(bench: Bench): Promise<{ now: number; start: number } | undefined> {
  const servers = await Promise.all(
    bench.running().map(async ({ memory, memoryAtStart }) => ({ now: await memory(), start: memoryAtStart })),
  )
  return servers.sort((one, other) => other.now - one.now)[0]
}

const nobody = 'no server has run; it is told after other figures'

/** Last of all, when the servers have done what the other figures asked of them. */
export const memory: readonly Figure[] = [
  {
    name: 'memory of the server, after all the above',
    ...{ against: 'after its start', unit: 'MB', ratio: 'ours / against', reach: { atMost: 1.5 } },
    async measure(bench) {
      const server = await largest(bench)
      return server ? { ours: [server.now], against: [server.start] } : nobody
    },
  },
  {
    name: 'memory of the server, in all',
    ...{ against: `${mostMegabytes} MB`, unit: 'MB', ratio: 'ours / against', reach: { atMost: 1 } },
    async measure(bench) {
      const server = await largest(bench)
      return server ? { ours: [server.now], against: [mostMegabytes] } : nobody
    },
  },
]
