import type { Client } from '../../../../sdk/client.ts'
import type { Server } from '../../../launch/restartable.ts'
import type { Workers } from '../../../launch/workers.ts'
import { printVerdicts } from '../../stress/checks/report.ts'
import { mustLook, type Verdict } from '../../stress/checks/verdict.ts'
import { type Calls, unexcused } from '../actors/failures.ts'
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
  folder: string
  /** The jobs that a server has confirmed. */
  ids: readonly number[]
  calls: readonly Calls[]
  samples: Samples
  /** Each server when it was ready, before its first call. */
  ready: readonly (Sample | undefined)[]
  workers: Workers
}

/** Checks everything, stops the servers, and prints what came of each promise. Returns the number of violations. */
export async function checkAll(soaked: Soaked): Promise<number> {
  const { stage, client, folder, ids, samples, ready, calls, workers } = soaked
  const { sql, servers } = stage
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
    await stop(servers, workers),
  ]
  await stage.end()
  for (const line of [memory.line, ...bloat.lines]) console.log(line)
  return printVerdicts(verdicts.map(mustLook))
}

/** Checks that calls failed only while their server was away. */
function checkCalls({ by, made, failures }: Calls, servers: readonly Server[]): Verdict {
  const wrong = unexcused(failures, servers).map(({ what, server, began }) => {
    return `${new Date(began).toISOString()} ${server}: ${what}`
  })
  return { claim: `${by} fail only while their server is away`, looked: made, wrong }
}

/** Stops the servers. Checks what they and the workers have logged, and how they ended. */
async function stop(servers: readonly Server[], workers: Workers): Promise<Verdict> {
  await Promise.all(servers.map((server) => server.end('SIGTERM')))
  const wrong = [...workers.faults, ...servers.flatMap((server) => server.errors())]
  return { claim: 'no process logs an error or ends by one', looked: servers.length + workers.count, wrong }
}
