import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, dead: failed}}
times: {created: created_at, ended: created_at}
retry: {set: {state: waits}}
prune: {of: [failed]}
`

/** Three failed jobs, of which one may wait. */
describe('a mapped table whose unique indexes keep jobs from a change', () => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serveMapped(map, (sql) =>
      sql.unsafe(`
          create schema app;
          create table app.jobs (id bigint primary key, state text, name text, created_at timestamptz default '2020-01-01Z');
          insert into app.jobs select n, case when n > 3 then 'waits' else 'dead' end, 'name ' || n from generate_series(1, 6) as n;
          update app.jobs set name = 'same' where state = 'dead';
          create unique index one_waits on app.jobs (name) where state = 'waits'`),
    )
  })
  afterAll(() => served.close())

  const change = async (...argv: string[]) => {
    const { code, out, err } = await served.jobsctl(...argv, '--yes')
    return { code, out, notes: err.split('\n').map((line) => line.replace(/mail\/\d/, 'mail/n')) }
  }

  it('a retry passes over them, and does not say that they had changed since the preview', async () => {
    expect(await change('retry', '--domain', 'app')).toEqual({
      code: 0,
      out: 'retried 1 job in app\n',
      notes: [
        'note: 2 jobs not retried, such as mail/n: another job has its place in the queue; --json lists them',
        '',
      ],
    })
  })

  it('an undo says why it gives back no job, and nothing else', async () => {
    expect(await change('prune', '--domain', 'app', '--older-than', '1d')).toMatchObject({
      out: 'deleted 2 jobs in app\n',
    })
    await served.sql`alter table app.jobs add constraint named check (name <> 'same') not valid`
    const id = Number((await served.jobsctl('operations', '--limit', '1')).out.split('\t')[0])
    expect(await change('undo', String(id))).toEqual({
      code: 9,
      out: '',
      notes: [expect.stringMatching(/^note: 2 jobs cannot be given back: .*violates check constraint "named"$/), ''],
    })
  })
})
