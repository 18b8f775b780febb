import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPartitions } from '../../../support/database/partitions.ts'
import { until } from '../../../support/poll.ts'
import { openWorld, type World } from '../../../support/world.ts'

const calls = 40

/** How often each partition has been read. */
async function readsOf({ sql }: World): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; reads: number }[]>`
    select relname as name, (seq_scan + coalesce(idx_scan, 0))::int as reads from pg_stat_user_tables where relname like 'jobs\\_%part'`
  return new Map(rows.map(({ name, reads }) => [name, reads]))
}

interface Call {
  once: (world: World) => Promise<unknown>
  /** A partition is read where it is read as often by each call. */
  reads?: number
}

/** The partitions that each of these calls reads: a session tells PostgreSQL what it has read a little later, of all tables at once. */
async function readBy(world: World, { once, reads: least = 1 }: Call, wanted: string): Promise<string[]> {
  const before = await readsOf(world)
  for (let made = 0; made < calls; made++) await once(world)
  const grown = (name: string, reads: number) => reads - (before.get(name) ?? 0) >= least * calls
  return until(`the reads of ${wanted}`, async () => {
    const after = await readsOf(world)
    const read = [...after].filter(([name, reads]) => grown(name, reads)).map(([name]) => name)
    return read.includes(wanted) ? read : undefined
  })
}

const get = (path: string) => async (world: World) =>
  expect(await world.call('GET', `/api/v1/jobs/${path}`)).toMatchObject({ status: 200 })

const acquire = async (world: World) => {
  const worker = { queue: 'default', worker_id: 'w', lease_seconds: 60 }
  const answer = await world.post('/api/v1/jobs/acquire', { domain: 'chatbooks', ...worker })
  expect(answer).toMatchObject({ status: 200, body: { jobs: [{ domain: 'chatbooks' }] } })
}

const layouts = {
  'list (domain)': [
    `create table jobs_wanted_part partition of jobs for values in ('chatbooks');
     create table jobs_media_part partition of jobs for values in ('media');
     create table jobs_other_part partition of jobs default;`,
    {
      acquire: { once: acquire },
      stats: { once: get('stats?domain=chatbooks') },
      clusters: { once: get('clusters?domain=chatbooks') },
      list: { once: get('list?domain=chatbooks') },
      'list by rank': { once: get('list?domain=chatbooks&sort_by=priority') },
      // One read of each partition finds the jobs that ended last, of all queues. It is the last call, since a session may tell of these reads late.
      explain: { once: get('queues/explain?domain=chatbooks&queue=default'), reads: 2 },
    },
  ],
  'range (created_at)': [
    `create table jobs_old_part partition of jobs for values from (minvalue) to ('2026-01-01');
     create table jobs_wanted_part partition of jobs for values from ('2026-01-01') to (maxvalue);`,
    { list: { once: get('list?created_after=2026-02-01T00:00:00Z') } },
  ],
} as const

describe.each(Object.entries(layouts))('with partitions by %s', (key, [parts, reads]) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', {}, inPartitions([key, parts]))
    await world.sql`
      insert into jobs (domain, queue, job_type, payload, status, created_at)
      select domain, 'default', 't', '{}', 'queued', made
      from unnest(array['chatbooks', 'media', 'other']) as domain
      cross join unnest(array[timestamptz '2025-06-01', '2026-06-01']) as made
      cross join generate_series(1, ${calls})`
  })
  afterAll(() => world?.stop())

  it.each(Object.entries(reads))('%s reads the partitions that it needs', async (_name, call) => {
    expect(await readBy(world, call, 'jobs_wanted_part')).toEqual(['jobs_wanted_part'])
  })
})
