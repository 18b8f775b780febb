import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { ScopeName } from '../../../../shared/scope.ts'
import { keyParts } from '../../../../shared/work/job-key.ts'
import type { World } from '../../../support/world.ts'
import { rowsOf } from '../../support/rows.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

/** Names as PostgreSQL takes them. pg-boss makes a table of a name without a backslash alone. */
const odd = [
  ...[
    'a/b',
    'a%2Fb',
    '%',
    '-dash',
    '..',
    'UPPER',
    '42',
    "it's",
    'say "hello"',
    'two  spaces',
    ' edge ',
    'a,b',
    'a=b&c#d?e',
  ],
  ...['ä→😀', '$(id)', '`id`', 'line\nbreak', 'tab\there', "'; drop table pgboss.job; --", 'x'.repeat(200)],
]

const Listed = z.array(z.looseObject({ id: z.string(), queue: z.string(), domain: z.string() }))

besideEach(readable, 'queues with odd names', (version) => {
  let database: BossDatabase
  let world: World
  const insert = (queue: string) =>
    database.sql`insert into pgboss.job (name, data) values (${queue}, ${database.sql.json({ queue })})`
  const makeQueue = (name: string) => database.sql`select pgboss.create_queue(${name}, '{"policy": "standard"}')`
  beforeAll(async () => {
    database = await openBossDatabase(version)
    await database.start({ options: { supervise: false } })
    for (const name of odd) await makeQueue(name)
    for (const name of odd) await insert(name)
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const listed = async (query: string) => {
    const { status, body } = await world.call('GET', `/api/v1/jobs/list?${query}`)
    expect({ query, status }).toEqual({ query, status: 200 })
    return Listed.parse(body)
  }

  it('are in the list, each with a key that names its queue', async () => {
    const jobs = await listed('limit=1000')
    expect(jobs.map(({ queue }) => queue).toSorted()).toEqual(odd.toSorted())
    const rows = await rowsOf(database.sql)
    const keys = rows.map(({ name, id }) => `${name.replaceAll(/[%/\p{Cc}]/gu, encodeURIComponent)}/${id}`)
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(keys.toSorted())
    expect(jobs.map(({ id }) => keyParts(id)?.queue).toSorted()).toEqual(odd.toSorted())
  })

  it('have jobs that calls and command lines find by the key of the list, and by the uuid', async () => {
    for (const { id: key, queue } of await listed('limit=1000')) {
      const shown = await world.call('GET', `/api/v1/jobs/job?key=${encodeURIComponent(key)}`)
      expect(shown).toMatchObject({ status: 200, body: { id: key, queue, payload: { queue } } })
      for (const id of [key, keyParts(key)?.id ?? '']) {
        const { code, out, err } = await world.jobsctl(['show', '--json', '--', id])
        expect({ queue, id, code, err }).toEqual({ queue, id, code: 0, err: '' })
        expect(JSON.parse(out)).toMatchObject({ id: key, queue })
      }
      // A filter takes no control characters, no blanks around a name, and no very long one.
      if (queue === queue.trim() && ScopeName.safeParse(queue).success)
        expect((await listed(`queue=${encodeURIComponent(queue)}`)).map(({ id }) => id)).toEqual([key])
    }
  })

  it('are seen at once when they and their tables are made beside a running server', async () => {
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('new-table', { partition: true })
    await boss.send('new-table', { i: 1 })
    expect((await listed('queue=new-table')).map(({ queue }) => queue)).toEqual(['new-table'])
    const { out } = await world.jobsctl(['stats', '--queue', 'new-table', '--json'])
    expect(JSON.parse(out)).toMatchObject([{ queue: 'new-table', queued: 1 }])
    // pg-boss 10 deletes no queue that has jobs.
    if (version.startsWith('10.')) await boss.call('purgeQueue', 'new-table')
    await boss.call('deleteQueue', 'new-table')
    expect(await listed('queue=new-table')).toEqual([])
  })
})
