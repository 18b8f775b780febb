import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { addJobs, dead, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const engines = {
  bullmq: {
    make: async (sql: postgres.Sql, schema: string) => {
      await makeBullMq({ sql, version: 11, schema })
      await fillBullMq({ sql, version: 11, schema })
      await sql`update ${sql(`${schema}.job`)} set locked_until_ms = locked_until_ms - 600000 where state = 'active'`
    },
    table: 'job',
    state: `queue || '/' || id || ' ' || state || ' ' || priority`,
    waiting: 'mail/1',
    failed: 'mail/41',
    running: 'mail/21',
  },
  'graphile-worker': {
    make: async (sql: postgres.Sql, schema: string) => {
      await makeGraphileWorker({ sql, schema })
      await addJobs({ sql, schema }, { task: 'send' })
      await addJobs({ sql, schema }, { task: 'send', columns: dead })
    },
    table: '_private_jobs',
    state: `id || ' ' || attempts || ' ' || priority || ' ' || run_at || coalesce(last_error, '')`,
    waiting: '_/1',
    failed: '_/2',
    running: undefined,
  },
} as const

describe.each(['bullmq', 'graphile-worker'] as const)('two schemas of %s whose jobs have the same ids', (engine) => {
  const { make, table, state, waiting, failed, running } = engines[engine]
  let served: ServedTables
  beforeAll(async () => {
    served = await serveTables(
      async (sql) => {
        for (const schema of ['one', 'two']) await make(sql, schema)
      },
      { records: engine },
    )
  })
  afterAll(() => served.close())
  const statesOf = async (schema: string): Promise<string[]> => {
    const rows = await served.sql.unsafe<{ state: string }[]>(
      `select ${state} as state from ${schema}.${table} order by 1`,
    )
    return rows.map((row) => row.state)
  }

  it.each([
    ['show', waiting],
    ['explain', waiting],
    ['wait', failed, '--for', 'failed'],
    ['cancel', waiting, '--yes'],
    ['priority', waiting, '--to', '3', '--yes'],
    ['reschedule', waiting, '--in', '2h', '--yes'],
    ['retry', failed, '--yes'],
    ['erase', waiting, '--yes'],
  ])('%s of a key that both have changes nothing, and asks for the domain', async (...argv) => {
    const before = [await statesOf('one'), await statesOf('two')]
    expect(await served.jobsctl(...argv)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--domain one, --domain two'),
    })
    expect([await statesOf('one'), await statesOf('two')]).toEqual(before)
  })

  it.each([
    ['priority', waiting, '--to', '3'],
    ['reschedule', waiting, '--in', '2h'],
    ['cancel', waiting],
    ['retry', failed],
    ['erase', waiting],
  ])('%s with the domain changes the job of that domain', async (...argv) => {
    const [one, two] = [await statesOf('one'), await statesOf('two')]
    expect(await served.jobsctl(...argv, '--domain', 'two', '--yes')).toMatchObject({ code: 0 })
    expect(await statesOf('one')).toEqual(one)
    const after = await statesOf('two')
    expect([after.filter((text) => !two.includes(text)).length + two.length - after.length]).toEqual([1])
  })

  it('takes the id of an operation, or of a hold, for no id of a job', async () => {
    const held = await served.post('holds', { ids: [waiting], until: new Date(Date.now() + 86_400_000).toISOString() })
    const { id } = z.object({ id: z.number() }).parse(held.body)
    for (const operation of [1, 2]) {
      expect((await served.get(`/api/v1/jobs/operations/${operation}`)).status).toBe(200)
      expect((await served.get(`/api/v1/jobs/operations/${operation}/progress`)).status).toBe(200)
    }
    expect(await served.jobsctl('hold', 'remove', String(id))).toMatchObject({ code: 0 })
  })

  it('says what to do next in the domain of the question', async () => {
    const shown = await served.jobsctl('show', waiting, '--domain', 'one', '--output', 'table')
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining(`jobsctl cancel ${waiting} --domain one`) })
    const explained = await served.jobsctl('explain', failed, '--domain', 'one')
    expect(explained).toMatchObject({ code: 0, out: expect.stringContaining(`jobsctl retry ${failed} --domain one\t`) })
  })

  it.each(running ? [running] : [])('names no call for %s that the engine cannot make', async (job) => {
    const explained = await served.jobsctl('explain', job, '--domain', 'one')
    const sentence = 'the program that runs its queue has not taken it back yet'
    expect(explained).toMatchObject({ code: 0, out: expect.stringMatching(new RegExp(`lease_over.*${sentence}`, 'u')) })
    expect(explained.out).not.toContain('reclaim')
  })
})

async function makeTwoQueues(sql: postgres.Sql, engine: 'bullmq' | 'pg-boss', id: string): Promise<void> {
  if (engine === 'bullmq') {
    await makeBullMq({ sql, version: 11 })
    await sql`insert into bullmq.job (queue, id, seq, name, state, data, added_at_ms) values ('a', ${id}, 1, 'x', 'waiting', '{}', 1), ('b', ${id}, 2, 'x', 'waiting', '{}', 1)`
    return
  }
  await makePgBoss({ sql, version: 46 })
  for (const queue of ['a', 'b']) {
    await makeQueue({ sql, version: 46 }, queue)
    await sql`insert into pgboss.job (id, name) values (${id}::text::uuid, ${queue})`
  }
}

describe.each([
  ['bullmq', '1'],
  ['pg-boss', '00000000-0000-0000-0000-000000000001'],
] as const)('an id of %s that jobs of two queues have', (engine, id) => {
  it.each([['show'], ['explain'], ['cancel', '--yes'], ['hold', 'add', '--until', '3d']])(
    'is refused by %s, with the keys to choose from',
    async (...argv) => {
      const [verb = '', ...flags] = argv
      const served = await serveTables((sql) => makeTwoQueues(sql, engine, id), { records: engine })
      try {
        expect(
          await served.jobsctl(verb, ...(verb === 'hold' ? [flags.shift() ?? ''] : []), id, ...flags),
        ).toMatchObject({
          code: 2,
          err: expect.stringMatching(new RegExp(`jobs of 2 queues have the id ${id}.*\\n.*a/${id}, b/${id}`)),
        })
        expect(await served.jobsctl('show', `a/${id}`)).toMatchObject({ code: 0 })
      } finally {
        await served.close()
      }
    },
  )
})
