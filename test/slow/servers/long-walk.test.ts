import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../../sdk/client.ts'
import { newDatabase } from '../../support/database/database.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Ids so far apart that each event is in a piece of its own; of a filter that only the last one meets. */
const ids = Array.from({ length: 7 }, (_, at) => 1000 + 30_000 * at)
const first = ids[0] ?? 0
const last = ids.at(-1) ?? 0

describe('a filtered walk of a log that takes longer than 5 s', () => {
  let world: World
  let owner: postgres.Sql
  beforeAll(async () => {
    const database = await newDatabase('postgres')
    const url = database.env.JOBS_DB_URL ?? ''
    owner = postgres(url, { max: 1, onnotice: () => {} })
    // Reading a row takes more than a second for the role of the server, as if 20,000 rows of a piece had to come from a disk.
    const role = 'slow_reader'
    await owner`create role ${owner(role)} login`.catch(() => {})
    await owner`grant all on all tables in schema public to ${owner(role)}`
    await owner`grant all on all sequences in schema public to ${owner(role)}`
    await owner`
      insert into job_events ${owner(ids.map((id) => ({ id, event_type: 'job.created', domain: id === last ? 'rare' : 'usual' })))}`
    await owner`select setval(pg_get_serial_sequence('job_events', 'id'), ${last})`
    const env = {
      ...database.env,
      JOBS_DB_URL: Object.assign(new URL(url), { username: role }).href,
      JOBS_MIGRATE: 'false',
    }
    world = await openWorld('postgres', { JOBS_BACKGROUND: 'off' }, Promise.resolve({ ...database, env }))
    await owner`alter table job_events enable row level security`
    await owner`create policy slow on job_events using (pg_sleep(1.2)::text = '')`
  })
  afterAll(async () => {
    await world?.stop()
    await owner?.end()
  })

  const read = (query: string) => world.call('GET', `${jobPaths.events}?domain=rare&${query}`)

  it('is told where to go on with partial=true, forwards and backwards', async () => {
    const page = await read(`after_id=${first}&skip_expired=true&partial=true`)
    expect(page).toMatchObject({ status: 200, body: [] })
    const next = Number(page.headers['x-next-after'])
    expect(next).toBeGreaterThan(first)
    expect(next).toBeLessThan(last)
    const back = await world.call('GET', `${jobPaths.events}?domain=none&before_id=${last}&partial=true`)
    expect(back).toMatchObject({ status: 200, body: [] })
    expect(Number(back.headers['x-next-after'])).toBeLessThan(last)
  })

  it('is 503 without it, and comes to its end when it is sent again', async () => {
    const one = await read('after_id=0')
    expect(one).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'database_busy', detail: expect.stringContaining('not all of the log has been looked at') },
    })
    let answer = one
    for (let tries = 0; tries < 5 && answer.status === 503; tries++) answer = await read('after_id=0')
    expect(answer).toMatchObject({ status: 200, body: [{ id: last, domain: 'rare' }] })
  })

  it('goes on by itself in jobsctl, in the client for programs and in a stream', async () => {
    const shown = await world.jobsctl(['events', '--after', '1', '--domain', 'rare', '--ndjson', '--timeout', '120s'])
    expect(shown).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(shown.out)).toMatchObject({ id: last })
    const client = createClient({ url: world.url, apiKey: world.key, timeoutMs: 120_000 })
    expect(await client.events({ after_id: 2, domain: 'rare', skip_expired: true })).toMatchObject([{ id: last }])
    const stream = await readStream(world, '?after_id=3&domain=rare')
    await stream.count(1)
    expect(stream.events).toMatchObject([{ id: last }])
    stream.stop()
  })
})
