import * as z from 'zod'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, meanDuration, measureAlternately } from '../../measure.ts'
import { memoize } from '../../memoize.ts'
import { copiesOf, type EngineCopy, type EngineTables, engineJobs, oldEngineJobs } from '../../setup/engine-copies.ts'
import { startPlain } from '../../setup/pg-boss.ts'
import { type DeletedBySql, inSql, type KeptIn, moveBySql, type Took } from './moved-by-sql.ts'

/** The same as the calls of a server, as somebody writes it who knows the tables. */
interface InSql {
  stats: string
  newest: string
  /** `$1` is the id that `someJob` reads. */
  show: string
  /** Rows `(queue, message, ended, id)` of failed jobs. */
  failures: string
}

interface MeasuredEngine extends EngineTables, DeletedBySql {
  /** The state of the old jobs. */
  pruned: 'completed' | 'failed'
  /** Reads the key and the id of a failed job. */
  someJob: string
  inSql: InSql
}

interface Round extends Record<KeptIn, Took> {
  ours: Took
}

const Pruned = z.object({ deleted: z.literal(oldEngineJobs), operation_id: z.number() })
const Undone = z.object({ affected: z.literal(oldEngineJobs) })

/** Prunes the old jobs by a server, with records and the archive, and takes it back. Returns the mean size of a batch, too. */
async function byServer(
  { sql, serve, drop }: EngineCopy,
  { domain, pruned }: MeasuredEngine,
): Promise<Took & { batch: number }> {
  const { api, stop } = await serve()
  const request = { domain, statuses: [pruned], older_than_days: 30 }
  let operation = 0
  const prune = await duration(async () => {
    operation = Pruned.parse(await api.post('/api/v1/jobs/prune', request)).operation_id
  })()
  const undo = await duration(async () => {
    Undone.parse(await api.post(`/api/v1/jobs/operations/${operation}/undo`, {}))
  })()
  const [{ batches }] = await sql<[{ batches: number }]>`
    select count(*)::int as batches from jobsctl.job_events where event_type = 'jobs.pruned'`
  await stop()
  await drop()
  return { prune, undo, batch: Math.ceil(oldEngineJobs / batches) }
}

/** Moves the same jobs away and back by SQL. */
async function bySql({ sql, drop }: EngineCopy, engine: MeasuredEngine, into: KeptIn, batch: number): Promise<Took> {
  const took = await moveBySql(sql, engine, { into, rows: oldEngineJobs, batch })
  await drop()
  return took
}

/** The texts are folded once each, as everywhere. */
const clusters = (failures: string): string => `
  with texts as materialized (
    select queue, message, count(*) as jobs, min(ended) as first, max(ended) as last, max(id) as id
    from (${failures}) as failed
    group by queue, message
  ),
  patterns as materialized (
    select message, regexp_replace(regexp_replace(message, '"[^"]*"', '<text>', 'g'), '[0-9]+', '#', 'g') as pattern
    from (select distinct message from texts) as distinct_texts
  ),
  queues as (
    select pattern, queue, sum(jobs) as jobs, min(first) as first, max(last) as last, max(id) as id
    from texts
    join patterns using (message)
    group by pattern, queue
  )
  select
    pattern, sum(jobs) as jobs, min(first), max(last), max(id),
    jsonb_agg(jsonb_build_object('queue', queue, 'jobs', jobs) order by jobs desc) as queues
  from queues
  group by pattern
  order by jobs desc
  limit 100`

/** Reads of the jobs of an engine, a prune with records, archive and events, and its undo, each beside the same in SQL. */
export function figuresOf(engine: MeasuredEngine): Figure[] {
  const copy = copiesOf(engine)
  const reader = memoize(async (bench) => {
    const { name, sql, serve } = await copy(bench)
    const [job = { key: '', id: '' }] = await sql.unsafe<{ key: string; id: string }[]>(engine.someJob)
    const { stats, newest, show, failures } = engine.inSql
    const routes = {
      '/stats': { text: stats, parameters: [] },
      '/newest': { text: newest, parameters: [] },
      '/show': { text: show, parameters: [job.id] },
      '/clusters': { text: clusters(failures), parameters: [] },
    }
    return { server: await serve(), plain: await startPlain(bench, name, routes), job }
  })
  const rounds = memoize(async (bench) => {
    const measured: Round[] = []
    for (let round = 0; round < 3; round++) {
      const { batch, ...ours } = await byServer(await copy(bench), engine)
      const archive = await bySql(await copy(bench), engine, 'archive', batch)
      measured.push({ ours, archive, 'bare table': await bySql(await copy(bench), engine, 'bare table', batch) })
    }
    return measured
  })
  type Measure = (bench: Bench) => ReturnType<Figure['measure']>
  const figure = (name: string, against: string, measure: Measure): Omit<Figure, 'target'> => ({
    name: `${engine.engine}, ${engineJobs.toLocaleString('en')} jobs: ${name}`,
    ...{ against, unit: 'ms', ratio: 'ours / against', measure },
  })
  const target = { atMost: 1.5 }
  type Job = Awaited<ReturnType<typeof reader>>['job']
  const read = (name: string, calls: number, path: (job: Job) => string, route: string): Figure => ({
    ...figure(name, 'the same in SQL, behind a bare route', async (bench) => {
      const { server, plain, job } = await reader(bench)
      const asked = `/api/v1/jobs${path(job)}`
      return measureAlternately(
        { rounds: 9, warmUps: 2 },
        meanDuration(calls, () => server.api.get(asked)),
        meanDuration(calls, () => plain.api.get(route)),
      )
    }),
    target,
  })
  const beside = (name: string, part: keyof Took, into: KeptIn): Omit<Figure, 'target'> =>
    figure(name, inSql[into], async (bench) => {
      const measured = await rounds(bench)
      return { ours: measured.map(({ ours }) => ours[part]), against: measured.map((round) => round[into][part]) }
    })
  const change = (name: string, part: keyof Took): Figure[] => [
    { ...beside(name, part, 'archive'), target },
    beside(`${name}, beside a bare table`, part, 'bare table'),
  ]
  return [
    read('stats', 5, () => '/stats', '/stats'),
    read('list, newest 100', 10, () => '/list?limit=100', '/newest'),
    read('show by key', 50, ({ key }) => `/job?key=${encodeURIComponent(key)}`, '/show'),
    read('clusters of failed jobs', 2, () => '/clusters?status=failed', '/clusters'),
    ...change(`prune of ${oldEngineJobs.toLocaleString('en')}`, 'prune'),
    ...change('undo of it', 'undo'),
  ]
}
