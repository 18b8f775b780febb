import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { createClient } from '../../../sdk/client.ts'
import { apiKey } from '../../launch/server.ts'
import { startWorkers, type Workers } from '../../launch/workers.ts'
import { short } from '../campaign.ts'
import { drain, live } from '../stress/drain.ts'
import type { Verdict } from '../verdict.ts'
import { anyServer, toAnyServer } from './actors/any-server.ts'
import { cookieOf, keepStream, watchDashboard } from './actors/dashboard.ts'
import { enqueue } from './actors/enqueuer.ts'
import type { CallFailure } from './actors/failures.ts'
import { age, makeDue, operate } from './actors/operator.ts'
import { type Confirmed, readAtReplica, troubleReplica } from './actors/replica.ts'
import { checkAll } from './checks/all.ts'
import { defineGroup } from './group.ts'
import { kill } from './kills.ts'
import { applyPolicy } from './policy.ts'
import { sampleOf, takeSamples } from './samples.ts'
import type { Stage } from './stage.ts'

const workerCount = 3
const streams = ['/api/v1/jobs/stats/stream', '/api/v1/jobs/events/stream']
/** Each has a session of its own, and a caller has 20 at the most: with the browser these are 17. */
const streamsOfEach = 4
const progressMs = 60_000

/** Workers, operators, a policy, the dashboard and reads at a replica, while servers, workers and the replica are killed. */
export const everyday = defineGroup({
  flags: z.object({
    minutes: z.coerce.number().min(2).optional().describe('how long jobs are enqueued; 60, or 3 with --short'),
    rate: z.coerce.number().positive().default(40).describe('jobs a second'),
    short,
  }),
  stage: { pooled: true, replicated: true },
  act: ({ minutes, short, rate }, stage) => letWork(stage, { totalMs: (minutes ?? (short ? 3 : 60)) * 60_000, rate }),
})

interface Working {
  totalMs: number
  /** How many jobs are enqueued in a second. */
  rate: number
}

/** Lets everything work together for some minutes, and checks what is promised. */
async function letWork(stage: Stage, { totalMs, rate }: Working): Promise<Verdict[]> {
  const { sql, servers, replica, folder, log } = stage
  const urls = servers.map(({ url }) => url)
  const client = createClient({ url: anyServer, apiKey, fetch: toAnyServer(urls) })
  const ready = await Promise.all(servers.map((server) => sampleOf(server.pid(), 0)))
  const workers = await startWorkers({
    ...{ count: workerCount, sources: [new URL('actors/worker.ts', import.meta.url)] },
    // A file for each process: one that is killed may leave half a line, which nobody may write on.
    argv: (at, life) => ({
      ...{ id: `worker-${at}`, servers: urls.join(',') },
      completed: join(folder, `completed-${at}-${life}.txt`),
    }),
  })
  await applyPolicy(urls[0] ?? '', folder)
  const failures = { operators: noFailures(), streams: noFailures(), screens: noFailures(), reads: noFailures() }
  const confirmed: Confirmed[] = []
  const [ending, closing] = [new AbortController(), new AbortController()]
  for (const { signal } of [ending, closing]) setMaxListeners(0, signal)
  const { signal } = ending
  const sampling = takeSamples(sql, servers, closing.signal)
  const kept: Promise<number>[] = []
  const logIn = oneAfterAnother(cookieOf)
  for (const url of urls)
    for (const path of streams)
      for (let n = 0; n < streamsOfEach; n++)
        kept.push(keepStream({ url, path, logIn, failures: failures.streams, signal: closing.signal }))
  const dashboard = watchDashboard({ url: urls[0] ?? '', folder, failures: failures.screens, signal: closing.signal })
  const acting = Promise.all([
    enqueue({
      ...{ client, perSecond: rate, live: () => live(sql), signal },
      taken: (ids) => void confirmed.push({ ids, at: Date.now() }),
    }),
    operate({ sql, servers: urls, folder, failures: failures.operators, signal }),
    kill({ watched: servers[0], other: servers[1], workers, totalMs, signal }),
    age(sql, signal),
    readAtReplica({ servers: urls, confirmed, failures: failures.reads, signal }),
    replica && troubleReplica(replica, signal),
    report({ stage, workers, signal }),
  ])
  // The stage ends with the first actor that fails, and the others then fail since it has ended.
  acting.catch((error: unknown) => log(`an actor failed: ${error}`))
  await Promise.race([wait(totalMs), acting, dashboard.then(() => acting)])
  ending.abort()
  const [ids, commands, , , reads] = await acting
  log(`${ids.length} jobs were enqueued; ${commands} commands of operators; ${workers.replaced()} workers were ended`)
  const making = makeDue(sql, closing.signal)
  log((await drain(sql)) ? 'all jobs have ended' : 'some jobs have NOT ended')
  closing.abort()
  const [samples, screens, opened] = await Promise.all([sampling, dashboard, Promise.all(kept), workers.stop(), making])
  log(screens === undefined ? 'skipped: chromium is not installed' : `${screens} screens of the dashboard were shown`)
  const calls = [
    { by: 'commands of operators', made: commands, failures: failures.operators },
    { by: 'reads at a replica', made: reads.made, failures: failures.reads },
    { by: 'streams', made: opened.reduce((sum, count) => sum + count, 0), failures: failures.streams },
    ...(screens === undefined ? [] : [{ by: 'screens of the dashboard', made: screens, failures: failures.screens }]),
  ]
  return [...(await checkAll({ stage, client, ids, calls, samples, ready, workers })), ...reads.verdicts]
}

const noFailures = (): CallFailure[] => []

/**
 * Each login is on record, and a record waits for the one before it. On a starved machine many at once wait longer for that lock than
 * JOBS_LOCK_TIMEOUT_SECONDS lets them, and their 503 is no fault of a server.
 */
function oneAfterAnother(logIn: (url: string) => Promise<string>): (url: string) => Promise<string> {
  let last: Promise<unknown> = Promise.resolve()
  return (url) => {
    const next = last.then(
      () => logIn(url),
      () => logIn(url),
    )
    last = next
    return next
  }
}

interface Reporting {
  stage: Stage
  workers: Workers
  signal: AbortSignal
}

/** Says once a minute how it goes. */
async function report({ stage: { sql, servers, log }, workers, signal }: Reporting): Promise<void> {
  while (!signal.aborted) {
    await wait(progressMs, undefined, { signal }).catch(() => {})
    const now = await Promise.all(servers.map((server) => sampleOf(server.pid(), 0)))
    const memory = now.map(
      (sample) => `${sample?.memory.toFixed(0) ?? '–'} MiB, ${sample?.descriptors ?? '–'} descriptors`,
    )
    const ends = servers.reduce((sum, { outages }) => sum + outages.length, 0)
    log(
      `${await live(sql)} live jobs; servers: ${memory.join('; ')}; ended: ${ends} servers, ${workers.replaced()} workers`,
    )
  }
}
