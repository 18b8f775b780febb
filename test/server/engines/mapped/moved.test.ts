import { expect, it, onTestFinished } from 'vitest'
import { serveMapped } from '../../../support/engines/serve-tables.ts'

const map = `table: app.jobs
key: id
queue: {column: kind}
status: {column: state, map: {waits: queued, dead: failed}}
times: {created: created_at}
retry: {set: {state: waits}}
`

it('an undo says of jobs that a program has moved to another queue that they are there', async () => {
  const served = await serveMapped(map, (sql) =>
    sql.unsafe(`
      create schema app;
      create table app.jobs (id int primary key, kind text, state text, created_at timestamptz default now());
      insert into app.jobs select n, 'mail', 'dead' from generate_series(1, 5) as n`),
  )
  onTestFinished(() => served.close())
  expect(await served.jobsctl('retry', '--domain', 'app', '--yes')).toMatchObject({ code: 0 })
  await served.sql`update app.jobs set kind = 'later' where id < 3`
  const note = 'note: 2 jobs cannot be given back: 2 jobs: the job is in another queue now\n'
  expect(await served.jobsctl('undo', '1', '--dry-run')).toMatchObject({
    out: 'would give back 3 jobs of operation 1\n',
    err: expect.stringContaining('the job is in another queue now'),
  })
  expect(await served.jobsctl('undo', '1', '--yes')).toEqual({
    ...{ code: 9, out: 'gave back 3 jobs of operation 1\n', err: note },
  })
  expect((await served.sql`select from app.jobs where state = 'waits' and kind = 'later'`).count).toBe(2)
})
