import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Random } from '../random.ts'
import type { Server } from '../servers.ts'
import type { Workers } from './workers.ts'

interface Trouble {
  sql: Sql
  workers: Workers
  servers: readonly Server[]
  random: Random
  signal: AbortSignal
}

/** Kills workers, connections to the database and, once, a server. Resolves to how many connections. */
export async function makeTrouble(by: Trouble): Promise<number> {
  const [, terminated] = await Promise.all([killWorkers(by), terminateBackends(by), killServer(by)])
  return terminated
}

async function killWorkers({ workers, random, signal }: Trouble): Promise<void> {
  while (!signal.aborted) {
    await pause(random.between(800, 2500), signal)
    if (!signal.aborted) await workers.killOne(random)
  }
}

/** In bursts, so that there are times of peace in which much goes on. */
async function terminateBackends({ sql, random, signal }: Trouble): Promise<number> {
  let terminated = 0
  while (!signal.aborted) {
    await pause(random.between(1000, 4000), signal)
    for (let burst = random.whole(3, 12); burst > 0 && !signal.aborted; burst--) {
      const backends = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity where application_name = 'jobs-server' order by backend_start`
      if (backends.length > 0) await sql`select pg_terminate_backend(${random.pick(backends).pid})`
      terminated++
      await pause(random.between(50, 400), signal)
    }
  }
  return terminated
}

/** Once; it is back before the trouble ends. */
async function killServer({ servers, random, signal }: Trouble): Promise<void> {
  await pause(random.between(3000, 8000), signal)
  await random.pick(servers).killAndRestart(random.between(0, 1000))
}

const pause = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal }).catch(() => {})
