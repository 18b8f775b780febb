import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const tableOf = (name: string, { lease = '', most = '' } = {}) => `
  - table: app.${name}
    domain: ${name}
    key: id
    queue: mail
    status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed}}
    attempts: {column: tries}${most}
    times: {created: made, started: started${lease}}
    locked_by: {column: worker}`
const map = `tables:${tableOf('plain')}${tableOf('busy')}${tableOf('leased', { lease: ', lease: lease' })}${tableOf('bounded', { most: '\n    max_attempts: {column: most}' })}`

/** Running jobs: in each table one, and in that with leases one more, whose lease is over. */
const fill = `
  create schema app;
  create table app.plain (id bigint primary key, state text, made timestamptz default now(), started timestamptz, worker text, tries integer default 2);
  create table app.leased (like app.plain including all, lease timestamptz);
  create table app.bounded (like app.plain including all, most integer default 2);
  create table app.busy (like app.plain including all);
  insert into app.busy values (1, 'runs', default, now() - interval '1 hour', 'w'), (2, 'waits', now() - interval '1 hour', null, null);
  insert into app.bounded (id, state) values (3, 'dead');
  insert into app.plain values (1, 'runs', default, now() - interval '1 minute', 'w'), (3, 'dead', default, now() - interval '1 minute', null);
  insert into app.leased (id, state, made, started, worker, lease) values
    (1, 'runs', now(), now() - interval '1 minute', 'w', null), (2, 'runs', now(), now(), 'w', now() - interval '1 second')`

let served: ServedTables
beforeAll(async () => {
  served = await serveMapped(map, (sql) => sql.unsafe(fill))
})
afterAll(() => served?.close())

describe('a running job of a mapped table that does not say when its lease ends', () => {
  it('is not called past its lease', async () => {
    expect((await served.get('/api/v1/jobs/stale')).body).toMatchObject([{ domain: 'leased', count: 1 }])
    expect((await served.get('/api/v1/jobs/list', { stale: 'true' })).body).toMatchObject([{ id: 'mail/2' }])
    const { body } = await served.get('/api/v1/jobs/list', { stale: 'false', status: 'processing' })
    expect(body).toMatchObject([{ id: 'mail/1' }, { id: 'mail/1' }, { id: 'mail/1' }])
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

  it('is shown as running, with what can be done', async () => {
    const { out } = await served.jobsctl('show', '--domain', 'plain', 'mail/1', '-o', 'table')
    expect(out).toMatch(/ is processing, by w$/m)
    expect(out).toMatch(/what next +jobsctl explain mail\/1/)
  })
})

it.each(['plain', 'bounded'])('says of a failed job of %s only as many retries as its table does', async (domain) => {
  const { out } = await served.jobsctl('show', '--domain', domain, 'mail/3', '-o', 'table')
  const { body } = await served.get('/api/v1/jobs/job/explain', { key: 'mail/3', domain })
  const [words, code] =
    domain === 'plain' ? ['after 2 retries', 'finished'] : ['after 2 of 2 retries', 'retries_used_up']
  expect(out).toContain(words)
  expect(body).toMatchObject({ reasons: expect.arrayContaining([expect.objectContaining({ code })]) })
})

it('says of a queue how many jobs run, and not that workers have leases', async () => {
  const { body } = await served.get('/api/v1/jobs/queues/explain', { domain: 'leased', queue: 'mail' })
  expect(body).toMatchObject({
    sentence: 'leased/mail: 0 jobs due, 2 running.',
    reasons: expect.arrayContaining([
      expect.objectContaining({ code: 'all_leased', sentence: '2 jobs running, and no other job is due' }),
    ]),
  })
})

it('says of workers that have picked up nothing for long how many jobs they run', async () => {
  const { body } = await served.get('/api/v1/jobs/queues/explain', { domain: 'busy', queue: 'mail' })
  const sentence = 'no worker has picked up jobs of busy/mail for 1h; 1 job of the queue runs'
  expect(body).toMatchObject({ reasons: [{ code: 'no_worker', sentence }] })
})

it('says of a worker how many of its leases are over only where its table has leases', async () => {
  const expiredIn = async (domain: string) => (await served.get('/api/v1/jobs/workers', { domain })).body
  expect(await expiredIn('plain')).toMatchObject([{ worker_id: 'w', leases: 1, expired: null }])
  expect(await expiredIn('leased')).toMatchObject([{ worker_id: 'w', leases: 2, expired: 1 }])
  const { out } = await served.jobsctl('workers', '--domain', 'plain', '-o', 'table')
  expect(out).toMatch(/^WORKER +LEASES +EXPIRED .*\nw +1 +- /m)
  const tsv = await served.jobsctl('workers', '--domain', 'plain', '-o', 'tsv')
  expect(tsv.out).toMatch(/^w\t1\t\t/m)
})
