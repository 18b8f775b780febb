import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { createCaller } from './actors/caller.ts'
import { enqueueAll } from './actors/enqueuer.ts'
import { workBySql } from './actors/foreign.ts'
import { operate } from './actors/operator.ts'
import { followByCursor, followByStream } from './actors/readers.ts'
import { makeTrouble } from './actors/trouble.ts'
import { startWorkers } from './actors/workers.ts'
import { checkCounts } from './checks/counts.ts'
import { gather } from './checks/evidence.ts'
import { judgeAll } from './checks/judge-all.ts'
import { printMeasures, printVerdicts } from './checks/report.ts'
import { openJournal } from './journal.ts'
import { caughtUp, drain, live, within } from './peace.ts'
import { createRandom } from './random.ts'
import { type Server, startServer } from './servers.ts'

interface Campaign {
  jobs: number
  seed: number
  folder: string
  dbUrl: string
}

const workerCount = 8
/** Enough to do for all, and not so much that it grows old. */
const backlog = 1500

/** A whole run: trouble, peace, and the judgement. Returns how many violations there are. */
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
  const workers = await startWorkers({ count: workerCount, seed, journals: folder, servers: urls })
  const ending = new AbortController()
  const { signal } = ending
  const trouble = makeTrouble({ sql, workers, servers, random: createRandom(seed, 'trouble'), signal })
  const beside = [
    ...['operator-1', 'operator-2', 'operator-3'].map((name) => operate({ ...callerOf(name), signal })),
    ...['sql-1', 'sql-2'].map((name) => workBySql({ ...callerOf(name), name, signal })),
  ]
  const began = performance.now()
  const lap = (what: string) => console.log(`${Math.round((performance.now() - began) / 1000)} s: ${what}`)

  await enqueueAll({ ...callerOf('enqueuer'), jobs, room: () => room(sql) })
  lap('all jobs are enqueued')
  ending.abort()
  const terminated = await trouble
  await Promise.all(beside)
  workers.calm()
  const quietSince = Date.now() + 2000
  lap(`peace, after ${workers.kills()} workers and ${terminated} connections were killed`)
  const drained = await drain(sql)
  lap(
    drained
      ? `all jobs have ended: ${Math.round((jobs * 1000) / (performance.now() - began))} a second`
      : 'NOT all jobs have ended',
  )
  const faults = await workers.stop()
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
  return printVerdicts([...judgeAll(evidence, quietSince), counts, await ends(servers, faults)])
}

async function ends(servers: readonly Server[], faults: string[]) {
  const codes = await Promise.all(servers.map((server) => server.stop()))
  const wrong = [...faults, ...servers.flatMap(({ errors }) => errors)]
  for (const code of codes) if (code !== 0) wrong.push(`a server ended with ${code}`)
  return { claim: 'no process made a mistake', looked: codes.length + workerCount, wrong }
}

async function room(sql: Sql): Promise<void> {
  while ((await live(sql)) > backlog) await wait(50)
}
