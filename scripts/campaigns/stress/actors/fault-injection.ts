import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Server } from '../../../launch/restartable.ts'
import type { Workers } from '../../../launch/workers.ts'
import type { Random } from '../random.ts'

interface FaultInjection {
  sql: Sql
  workers: Workers
  servers: readonly Server[]
  random: Random
  signal: AbortSignal
}

/**
 * Kills workers and database sessions at random until `signal` aborts, and kills one server once.
 * @returns the number of terminated sessions
 */
export async function injectFaults(by: FaultInjection): Promise<number> {
  const [, terminated] = await Promise.all([killWorkers(by), terminateBackends(by), killServer(by)])
  return terminated
}

async function killWorkers({ workers, random, signal }: FaultInjection): Promise<void> {
  while (!signal.aborted) {
    await pause(random.between(800, 2500), signal)
    if (!signal.aborted) await workers.replace(random.whole(0, workers.count - 1), 'SIGKILL')
  }
}

/** Terminates sessions in bursts, so that the load is high between the bursts. */
async function terminateBackends({ sql, random, signal }: FaultInjection): Promise<number> {
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

/** Kills one server once. Resolves when the server runs again. */
async function killServer({ servers, random, signal }: FaultInjection): Promise<void> {
  await pause(random.between(3000, 8000), signal)
  await random.pick(servers).restart(random.between(0, 1000))
}

const pause = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal }).catch(() => {})
