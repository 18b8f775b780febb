import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { events as operation } from '../../../../shared/endpoints.ts'
import { until } from '../../../support/poll.ts'
import { readStream } from '../../../support/streams/event-reader.ts'
import { jobPaths, workerOf } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** What one of many transactions does between taking its ids and its end. */
interface Writing {
  rows: number
  seconds: number
  end: 'commit' | 'rollback'
}

const writers = 8
const each = 20

/** Pauses of many lengths, a fourth rolled back; two are longer than a reader is made to wait. */
const plan = (writer: number, n: number): Writing => ({
  rows: 1 + ((writer + n) % 3),
  seconds: n === 5 && writer < 2 ? 2.5 : ((writer * 37 + n * 61) % 90) / 1000,
  end: (writer * 3 + n * 5) % 4 === 0 ? 'rollback' : 'commit',
})

describe('readers that follow the cursor while many writers commit out of order', () => {
  let world: World
  let sql: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres')
    sql = postgres(world.env.JOBS_DB_URL ?? '', { max: writers + 1 })
  })
  afterAll(async () => {
    await sql?.end()
    await world?.stop()
  })

  const write = async ({ rows, seconds, end }: Writing) => {
    const session = await sql.reserve()
    try {
      await session`begin`
      await session`
        insert into job_events (event_type, domain) select 'elsewhere', 'd' from generate_series(1, ${rows})`
      await session`select pg_sleep(${seconds})`
      await session.unsafe(end)
    } finally {
      session.release()
    }
  }

  it('miss no event and see none twice: page by page, and as a stream', async () => {
    const worker = workerOf(world.post)
    let writing = true
    const stream = await readStream(world)
    const paged: number[] = []
    const paging = (async () => {
      for (let last = false; ; ) {
        const { body } = await world.call('GET', `${jobPaths.events}?limit=7&after_id=${paged.at(-1) ?? 0}`)
        const page = operation.output.parse(body)
        paged.push(...page.map(({ id }) => id))
        if (page.length > 0) continue
        if (last) return
        last = !writing
      }
    })()
    const ours = async () => {
      for (let n = 0; n < 20; n++) await worker.complete((await worker.enqueue()) && (await worker.take()))
    }
    await Promise.all([
      ...Array.from({ length: writers }, async (_, writer) => {
        for (let n = 0; n < each; n++) await write(plan(writer, n))
      }),
      ours(),
    ])
    writing = false
    await paging

    const ids = (await sql<{ id: string }[]>`select id from job_events order by id`).map(({ id }) => Number(id))
    const [{ last } = { last: 0 }] = await sql<{ last: number }[]>`select max(id)::int as last from job_events`
    expect(ids.length).toBeGreaterThan(200)
    expect(last).toBeGreaterThan(ids.length)
    expect(paged).toEqual(ids)
    await until('the stream has caught up', () => (stream.ids.at(-1) ?? 0) >= last)
    expect(stream.events.map(({ id }) => id)).toEqual(ids)
    stream.stop()
  })

  it('hear of what is committed while a later transaction is still open, and of that when it ends', async () => {
    const session = await sql.reserve()
    try {
      const [{ last } = { last: 0 }] = await sql<{ last: number }[]>`select max(id)::int as last from job_events`
      const after = async () =>
        operation.output.parse((await world.call('GET', `${jobPaths.events}?after_id=${last}`)).body)
      await session`begin`
      await session`insert into job_events (event_type) values ('open')`
      await sql`insert into job_events (event_type) values ('committed')`
      expect(await after()).toEqual([])
      await session`commit`
      expect((await after()).map(({ event_type }) => event_type)).toEqual(['open', 'committed'])
    } finally {
      session.release()
    }
  })
})
