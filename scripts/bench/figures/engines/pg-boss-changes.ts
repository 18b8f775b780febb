import type { Sql } from 'postgres'
import * as z from 'zod'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, inBatches } from '../../measure.ts'
import { memoize } from '../../memoize.ts'
import { type BossCalls, copyOfBoss, oldJobs, pgBossName, startBoss } from '../../setup/pg-boss.ts'

/** In milliseconds. */
interface Took {
  prune: number
  undo: number
}

interface Round {
  ours: Took
  /** Without a copy of the jobs. */
  withoutCopy: Took
  inSql: Took
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

/** Moves the same jobs into a table, and back, as careful people do by hand: in batches, past locked rows. */
async function bySql(bench: Bench, batch: number): Promise<Took> {
  const { sql, drop } = await copyOfBoss(bench)
  await sql`create table deleted_jobs (like pgboss.job)`
  const prune = await duration(() => inBatches(oldJobs, () => moveAway(sql, batch)))()
  const undo = await duration(() => inBatches(oldJobs, () => moveBack(sql, batch)))()
  await drop()
  return { prune, undo }
}

const moveAway = (sql: Sql, batch: number) => sql`
  with picked as materialized (
    select name, id
    from pgboss.job
    where name = any(array(select name from pgboss.queue))
      and completed_on < now() - interval '30 days' and state = 'completed' and not blocking
    limit ${batch}
    for update skip locked
  ),
  deleted as (
    delete from pgboss.job using picked where job.name = picked.name and job.id = picked.id returning job.*
  )
  insert into deleted_jobs select * from deleted`

const moveBack = (sql: Sql, batch: number) => sql`
  with picked as (
    delete from deleted_jobs where ctid = any(array(select ctid from deleted_jobs limit ${batch})) returning *
  )
  insert into pgboss.job select * from picked`

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
    const inSql = await bySql(bench, ours.batch)
    const withoutCopy = await byServer(bench, false)
    measured.push({ ours, inSql, withoutCopy, byBoss: await byBoss(bench) })
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

const inSql = 'the same in SQL, in batches as large'
const jobs = oldJobs.toLocaleString('en')

/** A prune of jobs of pg-boss with records, archive and events, and its undo. */
export const pgBossChanges: readonly Figure[] = [
  figure(`prune of ${jobs}`, inSql, ({ ours, inSql }) => [ours.prune, inSql.prune]),
  figure('undo of it', inSql, ({ ours, inSql }) => [ours.undo, inSql.undo]),
  figure('prune without a copy', `${pgBossName}: deleteJob()`, ({ withoutCopy, byBoss }) => [
    withoutCopy.prune,
    byBoss,
  ]),
]
