import { keyText } from '../../../shared/work/job-key.ts'
import type { SampleDatabase, SampleJob } from '../conformance/engine.ts'
import { conformanceOf } from '../conformance/suite.ts'
import { type Bull, changeable, openBullDatabase } from '../support/bull.ts'

const domain = 'bullmq'
/** BullMQ takes letters, digits and underscores alone. */
const secondSchema = 'My_Mails_2'

conformanceOf({
  ...{ engine: 'bullmq', name: 'bullmq', versions: changeable, domain, queues: ['mail', 'digest'] },
  open,
  schemaVersion: 'select max(version) from bullmq.migration',
  table: 'job',
  beside: ['job_log', 'job_dependency'],
  // Workers that look for stalled jobs mark finished ones.
  volatile: { prune: ['stalled_marked'], others: ['stalled_marked'] },
  busy: `state in ('waiting', 'active') or state = 'delayed' and process_at_ms <= extract(epoch from now()) * 1000`,
  age: 'finished_at_ms = finished_at_ms - 172800000',
  copy: () => ({ id: `'copy ' || n`, seq: `nextval('bullmq.job_seq')` }),
})

async function open(version: string): Promise<SampleDatabase> {
  const database = await openBullDatabase(version)
  const bull = await database.start()
  return {
    ...database,
    add: (jobs) => addTo(bull, jobs),
    async work(queues) {
      const worker = await database.start()
      for (const queue of queues) await worker.work(queue, { concurrency: 5 })
      return {
        async runs() {
          const runs = Object.entries(await worker.runs())
          return Object.fromEntries(runs.map(([key, { begun }]) => [key, begun]))
        },
        kill: worker.kill,
      }
    },
    async addSchema(jobs) {
      await addTo(await database.start({ schema: secondSchema }), jobs)
      return secondSchema
    },
  }
}

/** Adds the jobs of each queue at once. */
async function addTo(bull: Bull, jobs: SampleJob[]): Promise<string[]> {
  const keys = new Map<SampleJob, string>()
  for (const queue of new Set(jobs.map((job) => job.queue))) {
    const of = jobs.filter((job) => job.queue === queue)
    const added = of.map(({ does, due }) => ({
      data: { does },
      opts: due === undefined ? {} : { delay: due.getTime() - Date.now() },
    }))
    const ids = await bull.add(queue, added)
    for (const [at, job] of of.entries()) keys.set(job, keyText({ queue, id: ids[at] ?? '' }))
  }
  return jobs.map((job) => keys.get(job) ?? '')
}
