import type { SampleDatabase, SampleEngine, SampleJob, Workers } from './engine.ts'
import type { Stage } from './suite.ts'

/** Jobs that can run at once, in turn in the queues of the sample. */
export const jobsOf = ({ queues }: Pick<SampleEngine, 'queues'>, count: number, does: SampleJob['does']): SampleJob[] =>
  Array.from({ length: count }, (_, n) => ({ queue: queues[n % queues.length] ?? '', does }))

/** The same jobs, due in an hour. */
export const dueLater = (jobs: SampleJob[]): SampleJob[] =>
  jobs.map((job) => ({ ...job, due: new Date(Date.now() + 3_600_000) }))

/** Adds jobs that end well, fail, and wait for an hour, and lets workers run what can run; they ended two days ago. The workers go on. */
export async function addSample({ engine, database, rows }: Stage): Promise<Workers> {
  const workers = await database.work(engine.queues)
  await addEnded({ engine, database }, 30)
  await rows.untilIdle()
  await rows.age()
  await database.add(dueLater(jobsOf(engine, 30, 'end')))
  return workers
}

const addEnded = async (
  { engine, database }: { engine: SampleEngine; database: SampleDatabase },
  count: number,
): Promise<void> => {
  await database.add([...jobsOf(engine, count, 'end'), ...jobsOf(engine, count, 'fail')])
}
