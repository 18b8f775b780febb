import type { Client } from '../../../../sdk/client.ts'
import type { Server } from '../../../launch/restartable.ts'
import type { Workers } from '../../../launch/workers.ts'
import { mustLook, type Verdict } from '../../verdict.ts'
import { type Calls, unexcused } from '../actors/failures.ts'
import { checkWorkers } from '../closing.ts'
import type { Sample, Samples } from '../samples.ts'
import type { Stage } from '../stage.ts'
import { checkBloat } from './bloat.ts'
import { checkJobs } from './jobs.ts'
import { checkMemory } from './memory.ts'
import { checkRecords } from './records.ts'
import { checkDescriptors, checkLocks } from './resources.ts'
import { checkServerLogs } from './server-logs.ts'

interface Soaked {
  stage: Stage
  client: Client
  /** The jobs that a server has confirmed. */
  ids: readonly number[]
  calls: readonly Calls[]
  samples: Samples
  /** Each server when it was ready, before its first call. */
  ready: readonly (Sample | undefined)[]
  workers: Workers
}

/** Checks everything that these actors promise, while the servers still run. */
export async function checkAll(soaked: Soaked): Promise<Verdict[]> {
  const { stage, client, ids, samples, ready, calls, workers } = soaked
  const { sql, servers, folder } = stage
  const memory = checkMemory(samples.all, servers[0].pid())
  const bloat = await checkBloat(sql, samples)
  const verdicts = [
    ...(await checkJobs(sql, ids, folder)),
    ...(await checkRecords(client)),
    await checkServerLogs(folder, servers),
    ...calls.map((made) => checkCalls(made, servers)),
    ...[memory.verdict, bloat.verdict],
    await checkDescriptors(servers, ready),
    await checkLocks(sql, samples),
    checkWorkers(workers),
  ]
  for (const line of [memory.line, ...bloat.lines]) console.log(line)
  return verdicts.map(mustLook)
}

/** Checks that calls failed only while their server was away. */
function checkCalls({ by, made, failures }: Calls, servers: readonly Server[]): Verdict {
  const wrong = unexcused(failures, servers).map(({ what, server, began }) => {
    return `${new Date(began).toISOString()} ${server}: ${what}`
  })
  return { claim: `${by} fail only while their server is away`, looked: made, wrong }
}
