import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it('marks with times that no request may have, which somebody wrote by hand, are left out, and break no answer', async () => {
  const odd = ['infinity', '-infinity', '0044-03-15 12:00+00 BC', '20000-01-01 00:00+00']
  await world.sql`
    insert into jobsctl_marks (text, caller, created_at)
    select text, 'c', text::timestamptz from unnest(${[...odd, '0001-01-01 00:00+00', '9999-12-31 23:59+00']}::text[]) as text`
  const listed = await world.call('GET', '/api/v1/jobs/marks')
  expect(listed).toMatchObject({
    status: 200,
    body: [{ at: '9999-12-31T23:59:00Z' }, { at: '0001-01-01T00:00:00Z' }],
  })
  const first = await world.call(
    'GET',
    '/api/v1/jobs/history?from=0001-01-01T00:00:00Z&to=0001-01-03T00:00:00Z&step=1d',
  )
  expect(first).toMatchObject({ status: 200, body: { marks: [{ at: '0001-01-01T00:00:00Z' }] } })
  expect((await world.call('GET', '/api/v1/jobs/history')).body).toMatchObject({ marks: [] })
  for (const text of odd)
    expect(await world.jobsctl(['clusters', '--since', `mark:${text}`])).toMatchObject({
      code: 5,
      err: expect.stringContaining(`no mark has the text "${text}"`),
    })
  expect(await world.jobsctl(['clusters', '--since', 'mark:0001-01-01 00:00+00'])).toMatchObject({ code: 0 })
  expect(await world.jobsctl(['doctor'])).toMatchObject({ code: 0 })
})
