import type { Figure } from '../figure.ts'
import { flood } from '../load/flood.ts'
import { inTurn } from '../rounds.ts'
import { startBareServer } from '../stage/bare-server.ts'

const many = { connections: 50, ms: 2000 }

/** What the server's own layers cost, where nothing else is to be done. */
export const health: readonly Figure[] = [
  {
    name: 'healthz: 50 connections',
    ...{ against: 'bare node:http, same body', unit: 'calls/s', ratio: 'ours / against', reach: { atLeast: 0.75 } },
    async measure(bench) {
      // Both have just been started, and have done nothing else.
      await bench.create('health')
      const [server, bare] = [await bench.serve('health'), await startBareServer()]
      const pair = await inTurn(
        { rounds: 7 },
        () => flood(`${server.url}/healthz`, many),
        () => flood(`${bare.url}/healthz`, many),
      )
      bare.stop()
      await server.stop()
      return pair
    },
  },
]
