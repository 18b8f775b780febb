import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const tableOf = (name: string, more = '') => `
  - table: app.${name}
    domain: ${name}
    key: id
    queue: mail
    status: {column: state, map: {waits: queued, runs: processing, done: completed}}
    times: {created: made, started: started${more}}
    locked_by: {column: worker}`
const map = `tables:${tableOf('plain')}${tableOf('leased', ', lease: lease')}`

/** Running jobs: in each table one, and in that with leases one more, whose lease is over. */
const fill = `
  create schema app;
  create table app.plain (id bigint primary key, state text, made timestamptz default now(), started timestamptz, worker text);
  create table app.leased (like app.plain including all, lease timestamptz);
  insert into app.plain values (1, 'runs', default, now() - interval '1 minute', 'w');
  insert into app.leased values
    (1, 'runs', default, now() - interval '1 minute', 'w', null), (2, 'runs', default, now(), 'w', now() - interval '1 second')`

describe('a running job of a mapped table that does not say when its lease ends', () => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serveMapped(map, (sql) => sql.unsafe(fill))
  })
  afterAll(() => served?.close())

  it('is not called past its lease', async () => {
    expect((await served.get('/api/v1/jobs/stale')).body).toMatchObject([{ domain: 'leased', count: 1 }])
    expect((await served.get('/api/v1/jobs/list', { stale: 'true' })).body).toMatchObject([{ id: 'mail/2' }])
    expect((await served.get('/api/v1/jobs/list', { stale: 'false' })).body).toMatchObject([
      { domain: 'leased', id: 'mail/1' },
      { domain: 'plain', id: 'mail/1' },
    ])
    for (const [domain, count] of [
      ['plain', 0],
      ['leased', 1],
    ] as const)
      expect((await served.get('/api/v1/jobs/stale', { domain })).body).toHaveLength(count)
    expect((await served.get('/api/v1/jobs/overview')).body).toMatchObject({ totals: { expired: 1 } })
  })

  it('is explained as running, without an end of its lease', async () => {
    const { body } = await served.get('/api/v1/jobs/job/explain', { key: 'mail/1', domain: 'plain' })
    expect(body).toMatchObject({
      reasons: [
        {
          code: 'leased',
          sentence: expect.stringMatching(/^is being worked on by w since [^;]+; when its lease ends is not known$/),
        },
      ],
    })
  })
})
