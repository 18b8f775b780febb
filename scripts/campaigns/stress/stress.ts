import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import * as z from 'zod'
import { seed, whole } from '../campaign.ts'
import { attachAndDetach, divideByDomain, partitions } from '../soak/actors/partitions.ts'
import { checkWorkers } from '../soak/closing.ts'
import { defineGroup } from '../soak/group.ts'
import { untilIndexed } from '../trust/fill.ts'
import { within } from '../within.ts'
import { createCaller } from './actors/caller.ts'
import { enqueueAll } from './actors/enqueuer.ts'
import { injectFaults } from './actors/fault-injection.ts'
import { operate } from './actors/operator.ts'
import { followByCursor, followByStream } from './actors/readers.ts'
import { workBySql } from './actors/sql-worker.ts'
import { startFaultyWorkers } from './actors/workers.ts'
import { checkAll } from './checks/all.ts'
import { gather } from './checks/evidence.ts'
import { printMeasures } from './checks/measures.ts'
import { caughtUp, drain, live } from './drain.ts'
import { openJournal } from './journal.ts'
import { queues } from './queues.ts'
import { createRandom } from './random.ts'

const workerCount = 8
/** The number of live jobs above which the enqueuer pauses, so that jobs do not wait long in a queue. */
const maxLiveJobs = 1500

/** Enqueue and process jobs under fault injection, and journal what they are answered; then the queues are drained. */
export const stress = defineGroup({
  flags: z.object({ jobs: whole(1, 'jobs that are enqueued').default(20_000), seed, partitions }),
  stage: {},
  async act({ jobs, seed, partitions }, { sql, servers, folder, log }) {
    if (partitions) {
      await untilIndexed(sql)
      await divideByDomain(sql, [...new Set(queues.map(({ domain }) => domain))].slice(1))
    }
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
    const endAttaching = partitions ? attachAndDetach(sql) : undefined
    const began = performance.now()
    await enqueueAll({ ...callerOf('enqueuer'), jobs, room: () => waitForRoom(sql) })
    log('all jobs are enqueued')
    ending.abort()
    const terminated = await injection
    if (endAttaching) log(`a partition was attached or detached ${await endAttaching()} times`)
    await Promise.all(background)
    workers.tell('calm')
    const steadySince = Date.now() + 2000
    log(`the fault injection is over: ${workers.replaced()} workers and ${terminated} database sessions were killed`)
    const drained = await drain(sql)
    const rate = Math.round((jobs * 1000) / (performance.now() - began))
    log(drained ? `all jobs have ended: ${rate} jobs/s` : 'some jobs have NOT ended')
    await workers.stop()
    await within(15_000, () => caughtUp(sql, readers))
    await Promise.all(readers.map(({ stop }) => stop()))
    const outages = servers.flatMap((server) => server.outages)
    const numbers = Array.from({ length: jobs }, (_, n) => n)
    const evidence = await gather({ sql, journals: folder, readers, outages, numbers })
    printMeasures(evidence)
    return [...checkAll(evidence, steadySince), checkWorkers(workers)]
  },
})

/** Waits until fewer jobs are live. */
async function waitForRoom(sql: Sql): Promise<void> {
  while ((await live(sql)) > maxLiveJobs) await wait(50)
}
