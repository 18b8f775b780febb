import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { serveMapped } from '../../../support/engines/serve-tables.ts'

const wide = z.number().nullable()
const Shown = z.object({ retry_count: wide, max_retries: wide, priority: wide })

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, dead: failed}}
times: {created: created_at}
attempts: {column: tries}
max_attempts: {column: most}
priority: {column: rank}
retry: {set: {state: waits}}
`

it('jobs without a number in a wide column have none, and no filter takes them for the largest', async () => {
  const served = await serveMapped(map, (sql) =>
    sql.unsafe(`
      create schema app;
      create table app.jobs (id bigint primary key, state text, created_at timestamptz default '2020-01-01Z', tries bigint, most numeric, rank float8);
      insert into app.jobs (id, state) values (1, 'dead');
      insert into app.jobs values (2, 'dead', default, 3000000000, 'NaN', -7)`),
  )
  onTestFinished(() => served.close())
  const numbersOf = async (id: number) => {
    const { out } = await served.jobsctl('show', `mail/${id}`, '--output', 'json')
    return Shown.parse(JSON.parse(out))
  }
  expect(await numbersOf(1)).toEqual({ retry_count: null, max_retries: null, priority: null })
  expect(await numbersOf(2)).toEqual({ retry_count: 2147483647, max_retries: 2147483647, priority: -7 })
  expect(await served.jobsctl('retry', '--domain', 'app', '--min-retries', '1', '--yes')).toMatchObject({
    code: 0,
    out: 'retried 1 job in app with --min-retries 1\n',
  })
})
