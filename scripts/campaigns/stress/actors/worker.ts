import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { acquire } from '../../../../shared/endpoints.ts'
import type { Job } from '../../../../shared/work/job.ts'
import { openJournal } from '../journal.ts'
import { lanes } from '../lanes.ts'
import { createRandom } from '../random.ts'
import { createCaller } from './caller.ts'
import { finishSoundly } from './finishing.ts'
import { moods } from './moods.ts'
import { workOn } from './working.ts'

/** A worker as a process: leases, works, and ends jobs over HTTP until it is told to stop, or killed. */
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: '' },
    worker: { type: 'string', default: '' },
    seed: { type: 'string', default: '' },
    journals: { type: 'string', default: '' },
    servers: { type: 'string', default: '' },
  },
})
const { name, worker, seed, journals, servers } = values
const random = createRandom(Number(seed), name)
const journal = openJournal(journals, name)
const caller = createCaller({ name, servers: servers.split(','), journal, random })

let mood = moods.wild
let stopping = false
process.on('message', (told) => {
  if (told === 'calm') mood = moods.calm
  if (told === 'stop') stopping = true
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

const late = new Set<Promise<void>>()
/** What is done beside the next jobs. */
function aside(task: Promise<void>): void {
  const done = task.finally(() => late.delete(done))
  late.add(done)
}

while (!stopping) {
  const jobs = await lease()
  if (jobs.length === 0) await wait(random.between(0, 50))
  await workOn(jobs, { mood, random, journal, caller, worker, aside, finish: finishSoundly })
}
await Promise.all(late)
await caller.close()
process.exit()

/** Some calls hang up at any point, be it as the jobs are handed over. */
async function lease(): Promise<Job[]> {
  const wait_seconds = random.chance(0.3) ? 1 : 0
  const hangUp = random.chance(mood.hangUp)
  const { request, body } = await caller.call(
    acquire,
    {
      ...random.pick(lanes),
      worker_id: worker,
      limit: random.chance(0.3) ? 1 : random.whole(2, 25),
      lease_seconds: random.whole(1, 3),
      wait_seconds,
      ...(random.chance(0.2) && { job_types: ['encode', 'count'] }),
    },
    hangUp ? { signal: AbortSignal.timeout(random.whole(1, wait_seconds === 0 ? 40 : 1200)) } : {},
  )
  const jobs = body?.jobs ?? []
  for (const { id: job, lease_id, leased_until } of jobs) {
    if (lease_id !== null && leased_until !== null) {
      journal.write({ kind: 'leased', request, job, lease: lease_id, until: leased_until })
    }
  }
  return jobs
}
