import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { countDiffering, emailMap, fillEmailJobs, makeEmailJobs } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const Answer = z.object({ operation_id: z.number(), affected: z.number() })
const Listed = z.array(z.object({ available_at: z.string() }))

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  served = await serveMapped(`zone: Europe/Berlin\n${emailMap}`, async (made) => {
    sql = made
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 50)
  })
  await sql`create table before as select *, to_jsonb(array(select null)) as none from app.email_jobs`
})
afterAll(() => served.close())

const domain = 'app'
const change = async (path: string, body: object) => Answer.parse((await served.post(path, { domain, ...body })).body)
const localTimes = async () =>
  (await sql`select distinct run_after::text as at from app.email_jobs where state = 0`).map(({ at }) => at)
const times = async () => {
  const { body } = await served.get('/api/v1/jobs/list', { domain, status: 'queued' })
  return [...new Set(Listed.parse(body).map(({ available_at }) => available_at))]
}

it.each([
  [
    'the hour that the clock shows twice, the second time',
    '2027-10-31T01:30:00Z',
    '2027-10-31 02:30:00',
    '2027-10-31T01:30:00',
  ],
  [
    'the same hour, the first time, which no local time says',
    '2027-10-31T00:30:00Z',
    '2027-10-31 02:30:00',
    '2027-10-31T01:30:00',
  ],
  ['the moment at which the clock skips an hour', '2027-03-28T01:00:00Z', '2027-03-28 03:00:00', '2027-03-28T01:00:00'],
  ['the last second before', '2027-03-28T00:59:59Z', '2027-03-28 01:59:59', '2027-03-28T00:59:59'],
])('a local time is written for %s, and an undo gives back what was there', async (_, asked, local, read) => {
  const rescheduled = await change('batch/reschedule', { available_at: asked })
  expect(rescheduled.affected).toBe(10)
  expect(await localTimes()).toEqual([local])
  expect((await times()).map((time) => time.slice(0, 19))).toEqual([read])
  expect((await change(`operations/${rescheduled.operation_id}/undo`, {})).affected).toBe(10)
  expect(await countDiffering(sql, 'lock_version')).toBe(0)
})

it('a local time that its writer got from a skipped hour is read as the clock shows it after the change', async () => {
  await sql`update app.email_jobs set run_after = '2027-03-28 02:30:00' where state = 0`
  expect((await times()).map((time) => time.slice(0, 19))).toEqual(['2027-03-28T01:30:00'])
})

const byDay = `table: app.by_day
key: id
queue: days
status: {column: state, map: {0: queued, 2: completed}}
times: {created: created_at, ended: ended_on}
prune: {of: [completed]}
`

it('a job whose end is a day has ended at the beginning of that day', async () => {
  const days = await serveMapped(byDay, async (made) => {
    await made.unsafe(`create schema app;
        create table app.by_day (id bigint primary key, state smallint not null, created_at timestamptz not null, ended_on date);
        create index on app.by_day (ended_on);
        insert into app.by_day select n, case when n % 4 = 3 then 0 else 2 end, now() - interval '9 days',
          case n % 4 when 0 then (now() at time zone 'utc' - interval '24 hours')::date when 1 then (now() at time zone 'utc')::date end
        from generate_series(1, 40) as n`)
  })
  // Those of yesterday. Nobody knows how old those without an end are.
  const unknown = {
    refused_count: 10,
    refused: expect.arrayContaining([expect.objectContaining({ reason: 'the table does not say when it ended' })]),
  }
  const old = { domain, older_than_days: 1, statuses: ['completed'] }
  expect((await days.post('prune', { ...old, dry_run: true })).body).toMatchObject({ deleted: 10, ...unknown })
  expect((await days.post('prune', old)).body).toMatchObject({ deleted: 10, ...unknown })
  await days.close()
})
