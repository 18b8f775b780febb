import type { Figure } from '../../figure.ts'
import { measureRequestRate } from '../../load/request-rate.ts'
import { measureAlternately } from '../../measure.ts'
import { startBareServer } from '../../setup/bare-server.ts'

const load = { connections: 50, ms: 2000 }

/** The cost of the server's HTTP layers: `GET /healthz` does no other work. */
export const health: readonly Figure[] = [
  {
    name: 'healthz: 50 connections',
    ...{ against: 'bare node:http, same body', unit: 'calls/s', ratio: 'ours / against', target: { atLeast: 0.75 } },
    async measure(bench) {
      // Both servers have just started and have served no other request.
      await bench.create('health')
      const [server, bare] = [await bench.serve('health'), await startBareServer(bench, '{"status":"ok"}')]
      const pair = await measureAlternately(
        { rounds: 7 },
        () => measureRequestRate(`${server.url}/healthz`, load),
        () => measureRequestRate(`${bare.url}/healthz`, load),
      )
      bare.stop()
      await server.stop()
      return pair
    },
  },
]
