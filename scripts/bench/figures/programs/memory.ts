import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'

const limitMegabytes = 200

/** Returns the resident memory of the largest running server, in MiB. Undefined when no server runs. */
async function largest(bench: Bench): Promise<{ now: number; start: number } | undefined> {
  const servers = await Promise.all(
    bench.running().map(async ({ memory, memoryAtStart }) => ({ now: await memory(), start: memoryAtStart })),
  )
  return servers.sort((one, other) => other.now - one.now)[0]
}

const noServer = 'no server is running: select other figures too, since this figure measures their servers'

/** These figures come last, when the servers have served the other figures. */
export const memory: readonly Figure[] = [
  {
    name: 'memory of the server, after the other figures',
    ...{ against: 'after its start', unit: 'MB', ratio: 'ours / against', target: { atMost: 1.5 } },
    async measure(bench) {
      const server = await largest(bench)
      return server ? { ours: [server.now], against: [server.start] } : noServer
    },
  },
  {
    name: 'memory of the server, resident',
    ...{ against: `${limitMegabytes} MB`, unit: 'MB', ratio: 'ours / against', target: { atMost: 1 } },
    async measure(bench) {
      const server = await largest(bench)
      return server ? { ours: [server.now], against: [limitMegabytes] } : noServer
    },
  },
]
