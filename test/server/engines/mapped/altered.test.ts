import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { serveMapped } from '../../../support/engines/serve-tables.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, done: completed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed]}
`
const Pruned = z.looseObject({ deleted: z.literal(3), operation_id: z.number() })

/** Deletes three jobs, alters the table, and looks at the undo of a server that has started since. */
async function undone(alter: string) {
  const served = await serveMapped(map, (sql) =>
    sql.unsafe(`
      create schema app;
      create table app.jobs (id bigint primary key, state text not null, name text, created_at timestamptz not null, ended_at timestamptz);
      insert into app.jobs select n, 'done', 'n' || n, '2020-01-01Z', '2020-01-02Z' from generate_series(1, 3) as n`),
  )
  onTestFinished(() => served.close())
  const { body } = await served.post('prune', { domain: 'app', older_than_days: 30 })
  const id = String(Pruned.parse(body).operation_id)
  await served.sql.unsafe(alter)
  const server = await startServer(served.env)
  onTestFinished(() => server.stop().then(() => undefined))
  await server.prepared
  const undo = (...argv: string[]) =>
    runJobsctl(['undo', id, ...argv], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
  return { preview: await undo('--dry-run'), change: await undo('--yes'), sql: served.sql }
}

it('gives a job that comes back the next number of a column that numbers the rows', async () => {
  const { change, sql } = await undone('alter table app.jobs add column number int generated always as identity')
  expect(change).toMatchObject({ code: 0, out: 'gave back 3 jobs of operation 1\n' })
  expect(await sql`select number from app.jobs order by number`).toEqual([1, 2, 3].map((number) => ({ number })))
})

it.each([
  ['got a column since that must have a value', 'alter table app.jobs add column must text not null'],
  ['lost a column of it since', 'alter table app.jobs drop column name'],
])('previews the undo of no job where the table has %s', async (why, alter) => {
  const { preview, change, sql } = await undone(alter)
  expect(preview).toMatchObject({ code: 0, out: '' })
  expect(preview.err).toContain(why)
  expect(change).toMatchObject({ code: 6, out: '' })
  expect(change.err).toContain(why)
  expect(await sql`select from app.jobs`).toHaveLength(0)
})
