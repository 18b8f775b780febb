import * as z from 'zod'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration } from '../../measure.ts'
import { memoize } from '../../memoize.ts'
import { type BossCalls, copyOfBoss, oldJobs, pgBossName, startBoss } from '../../setup/pg-boss.ts'
import { type DeletedBySql, inSql, type KeptIn, moveBySql, type Took } from './moved-by-sql.ts'

interface Round extends Record<KeptIn, Took> {
  ours: Took
  /** Without a copy of the jobs. */
  withoutCopy: Took
  /** pg-boss keeps no copy, so that it has no undo. */
  byBoss: number
}

const Pruned = z.object({ deleted: z.literal(oldJobs), operation_id: z.number() })
const Undone = z.object({ affected: z.literal(oldJobs) })

/** Prunes the old jobs by a server, with records, and takes it back where it has a copy. Returns the mean size of a batch, too. */
async function byServer(bench: Bench, hasCopy: boolean): Promise<Took & { batch: number }> {
  const copy = await copyOfBoss(bench)
  const { api, stop } = await copy.serve()
  const request = { domain: 'pgboss', statuses: ['completed'], older_than_days: 30, no_archive: !hasCopy }
  let operation = 0
  const prune = await duration(async () => {
    operation = Pruned.parse(await api.post('/api/v1/jobs/prune', request)).operation_id
  })()
  const [{ batches }] = await copy.sql<[{ batches: number }]>`
    select count(*)::int as batches from jobsctl.job_events where event_type = 'jobs.pruned'`
  const undo = hasCopy
    ? await duration(async () => {
        Undone.parse(await api.post(`/api/v1/jobs/operations/${operation}/undo`, {}))
      })()
    : 0
  await stop()
  await copy.drop()
  return { prune, undo, batch: Math.ceil(oldJobs / batches) }
}

const deleted: DeletedBySql = {
  ...{ domain: 'pgboss', jobs: 'pgboss.job', archive: 'pgboss_archive' },
  deletion: `
    picked as materialized (
      select name, id
      from pgboss.job
      where name = any(array(select name from pgboss.queue))
        and completed_on < now() - interval '30 days' and state = 'completed' and not blocking
      limit $1
      for update skip locked
    ),
    deleted as (
      delete from pgboss.job using picked where job.name = picked.name and job.id = picked.id returning job.*
    )`,
}

/** Moves the same jobs away and back by SQL. */
async function bySql(bench: Bench, into: KeptIn, batch: number): Promise<Took> {
  const { sql, drop } = await copyOfBoss(bench)
  const took = await moveBySql(sql, deleted, { into, rows: oldJobs, batch })
  await drop()
  return took
}

/** Deletes the same jobs by pg-boss, which is told their ids. */
async function byBoss(bench: Bench): Promise<number> {
  const { name, sql, drop } = await copyOfBoss(bench)
  const old = await sql<{ name: string; ids: string[] }[]>`
    select name, array_agg(id::text) as ids
    from (
      select name, id, row_number() over (partition by name) / 1000 as batch
      from pgboss.job
      where state = 'completed' and completed_on < now() - interval '30 days'
    ) as jobs
    group by name, batch`
  const boss = await startBoss(bench, name)
  const calls = old.map(({ name, ids }): BossCalls[number] => ['deleteJob', name, ids])
  const took = await duration(() => boss.run(calls))()
  await boss.stop()
  await drop()
  return took
}

/** Measures all sides in turn, each on a copy of its own, without a warm-up: caches are cold for all of them. */
const rounds = memoize(async (bench: Bench): Promise<Round[]> => {
  const measured: Round[] = []
  for (let round = 0; round < 3; round++) {
    const ours = await byServer(bench, true)
    const archive = await bySql(bench, 'archive', ours.batch)
    const bare = await bySql(bench, 'bare table', ours.batch)
    const withoutCopy = await byServer(bench, false)
    measured.push({ ours, archive, 'bare table': bare, withoutCopy, byBoss: await byBoss(bench) })
  }
  return measured
})

const figure = (name: string, against: string, sides: (round: Round) => [ours: number, against: number]): Figure => ({
  name: `pg-boss: ${name}`,
  ...{ against, unit: 'ms', ratio: 'ours / against', target: { atMost: 1.5 } },
  async measure(bench) {
    const pairs = (await rounds(bench)).map(sides)
    return { ours: pairs.map(([ours]) => ours), against: pairs.map(([, against]) => against) }
  },
})

const jobs = oldJobs.toLocaleString('en')

const change = (name: string, part: keyof Took): Figure[] => {
  const { target: _, ...beside } = figure(`${name}, beside a bare table`, inSql['bare table'], (round) => [
    round.ours[part],
    round['bare table'][part],
  ])
  return [figure(name, inSql.archive, ({ ours, archive }) => [ours[part], archive[part]]), beside]
}

/** A prune of jobs of pg-boss with records, archive and events, and its undo. */
export const pgBossChanges: readonly Figure[] = [
  ...change(`prune of ${jobs}`, 'prune'),
  ...change('undo of it', 'undo'),
  figure('prune without a copy', `${pgBossName}: deleteJob()`, ({ withoutCopy, byBoss }) => [
    withoutCopy.prune,
    byBoss,
  ]),
]
