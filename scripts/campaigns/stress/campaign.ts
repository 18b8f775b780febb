import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { type Server, startServer } from '../../launch/restartable.ts'
import type { Workers } from '../../launch/workers.ts'
import { createCaller } from './actors/caller.ts'
import { enqueueAll } from './actors/enqueuer.ts'
import { injectFaults } from './actors/fault-injection.ts'
import { operate } from './actors/operator.ts'
import { followByCursor, followByStream } from './actors/readers.ts'
import { workBySql } from './actors/sql-worker.ts'
import { startFaultyWorkers } from './actors/workers.ts'
import { checkAll } from './checks/all.ts'
import { checkCounts } from './checks/counts.ts'
import { gather } from './checks/evidence.ts'
import { printMeasures, printVerdicts } from './checks/report.ts'
import { caughtUp, drain, live, within } from './drain.ts'
import { openJournal } from './journal.ts'
import { createRandom } from './random.ts'

interface Campaign {
  /** The number of jobs to enqueue. */
  jobs: number
  seed: number
  /** The folder of the journals and server logs. */
  folder: string
  /** The URL of an empty database. */
  dbUrl: string
}

const workerCount = 8
/** The number of live jobs above which the enqueuer pauses, so that jobs do not wait long in a queue. */
const maxLiveJobs = 1500

/**
 * Enqueues and processes jobs under fault injection, drains the queues, and runs all checks. Returns the number of
 * violations.
 */
export async function runCampaign({ jobs, seed, folder, dbUrl }: Campaign): Promise<number> {
  const sql = postgres(dbUrl, { max: 8, onnotice: () => {} })
  const servers = await Promise.all([startServer(dbUrl, folder), startServer(dbUrl, folder)])
  const urls = servers.map(({ url }) => url)
  const callerOf = (name: string) => {
    const journal = openJournal(folder, name)
    const random = createRandom(seed, name)
    return { sql, journal, random, caller: createCaller({ name, servers: urls, journal, random }) }
  }
  const readers = [
    followByCursor(callerOf('reader').caller),
    followByStream({ servers: urls, random: createRandom(seed, 'stream') }),
  ]
  const workers = await startFaultyWorkers({ count: workerCount, seed, journals: folder, servers: urls })
  const ending = new AbortController()
  const { signal } = ending
  const injection = injectFaults({ sql, workers, servers, random: createRandom(seed, 'trouble'), signal })
  const background = [
    ...['operator-1', 'operator-2', 'operator-3'].map((name) => operate({ ...callerOf(name), signal })),
    ...['sql-1', 'sql-2'].map((name) => workBySql({ ...callerOf(name), name, signal })),
  ]
  const began = performance.now()
  const log = (message: string) => console.log(`${Math.round((performance.now() - began) / 1000)} s: ${message}`)

  await enqueueAll({ ...callerOf('enqueuer'), jobs, room: () => waitForRoom(sql) })
  log('all jobs are enqueued')
  ending.abort()
  const terminated = await injection
  await Promise.all(background)
  workers.tell('calm')
  const steadySince = Date.now() + 2000
  log(`the fault injection is over: ${workers.replaced()} workers and ${terminated} database sessions were killed`)
  const drained = await drain(sql)
  log(
    drained
      ? `all jobs have ended: ${Math.round((jobs * 1000) / (performance.now() - began))} jobs/s`
      : 'some jobs have NOT ended',
  )
  await workers.stop()
  await within(15_000, () => caughtUp(sql, readers))
  await Promise.all(readers.map(({ stop }) => stop()))
  const outages = servers.flatMap((server) => server.outages)
  const evidence = await gather({
    sql,
    journals: folder,
    readers,
    outages,
    numbers: Array.from({ length: jobs }, (_, n) => n),
  })
  const counts = await checkCounts(callerOf('judge').caller)
  await sql.end()
  printMeasures(evidence)
  return printVerdicts([...checkAll(evidence, steadySince), counts, await stopServers(servers, workers)])
}

/** Stops the servers. Returns a verdict on the faults of workers, errors in server logs, and exit codes. */
async function stopServers(servers: readonly Server[], { count, faults }: Workers) {
  await Promise.all(servers.map((server) => server.end('SIGTERM')))
  const wrong = [...faults, ...servers.flatMap((server) => server.errors())]
  return { claim: 'no process logs an error or exits with one', looked: servers.length + count, wrong }
}

/** Waits until fewer jobs are live. */
async function waitForRoom(sql: Sql): Promise<void> {
  while ((await live(sql)) > maxLiveJobs) await wait(50)
}
