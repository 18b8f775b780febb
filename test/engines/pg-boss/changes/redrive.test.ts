import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import type { Boss, Runs } from '../../support/boss.ts'
import { type BossRow, rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const sources = ['mail', 'images/large', 'it.has_own-table']
const dead = 'dead/letters'
const count = 2_001

besideEach(changeable, 'redrive of dead letters', (version) => {
  let database: BossDatabase
  let world: World
  let boss: Boss
  let worker: Boss
  beforeAll(async () => {
    database = await openBossDatabase(version)
    boss = await database.start()
    worker = await database.start()
    await boss.queue(dead)
    for (const name of [...sources, 'twin'])
      await boss.queue(name, {
        retryLimit: 0,
        deadLetter: dead,
        ...(name === 'it.has_own-table' && { partition: true }),
      })
    for (const name of sources) await failNew(name, count / sources.length)
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  /** Sends jobs, and ends them as a worker ends jobs that have failed for good. */
  async function failNew(name: string, jobs: number): Promise<void> {
    for (let i = 0; i < jobs; i += 667)
      await boss.call(
        'insert',
        name,
        Array.from({ length: Math.min(667, jobs - i) }, (_, n) => ({ data: { work: `${name} ${i + n}` } })),
      )
    await database.sql`
      update pgboss.job set state = 'active', started_on = now() where name = ${name} and state = 'created'`
    const rows = (await rowsOf(database.sql, { queue: name })).filter(({ state }) => state === 'active')
    const ids = rows.map(({ id }) => id)
    for (let i = 0; i < ids.length; i += 500)
      await boss.call('fail', name, ids.slice(i, i + 500), { message: 'broken' })
  }

  const redrive = (...more: string[]) =>
    world.jobsctl(['redrive', '--domain', 'pgboss', '--queue', dead, '--yes', '--json', ...more])
  const workOf = ({ data }: BossRow): string =>
    data !== null && typeof data === 'object' && 'work' in data ? String(data.work) : ''

  /** How often each piece of work was begun, by whatever job. */
  async function begun(): Promise<Map<string, number>> {
    const runs: Runs[] = [await boss.runs(), await worker.runs()]
    const times = new Map<string, number>()
    for (const row of await rowsOf(database.sql)) {
      const some = runs.reduce((all, one) => all + (one[row.id]?.begun ?? 0), 0)
      times.set(workOf(row), (times.get(workOf(row)) ?? 0) + some)
    }
    return times
  }

  it('makes the jobs that pg-boss makes itself, and with its dead letter queue in every version', async () => {
    await failNew('twin', 1)
    await boss.call('redrive', dead, { sourceName: 'twin' })
    const theirs = (await rowsOf(database.sql, { queue: 'twin' })).find(({ state }) => state === 'created')
    await database.sql`delete from pgboss.job where name = 'twin'`
    await failNew('twin', 1)
    const { code } = await redrive('--job-type', 'twin')
    const ours = (await rowsOf(database.sql, { queue: 'twin' })).find(({ state }) => state === 'created')
    const comparable = ({ id: _id, created_on, start_after, keep_until, source_root_id, ...row }: BossRow) => ({
      ...row,
      kept_seconds: Math.round((Date.parse(String(keep_until)) - Date.parse(String(created_on))) / 1000),
      due_seconds: Math.round((Date.parse(String(start_after)) - Date.parse(String(created_on))) / 1000),
      hasRoot: typeof source_root_id === 'string',
    })
    if (!theirs || !ours) throw new Error(`jobsctl ended with ${code}, and a job is missing`)
    expect(comparable(ours)).toEqual({ ...comparable(theirs), dead_letter: dead })
    await database.sql`delete from pgboss.job where name = 'twin'`
  })

  it('gives back by an undo at once what has not begun, beside workers, senders and maintenance', async () => {
    const letters = await rowsOf(database.sql, { queue: dead })
    expect(letters).toHaveLength(count)
    for (const name of sources) await worker.work(name, { batchSize: 5, pollingIntervalSeconds: 0.5 })
    const sending = (async () => {
      for (let i = 0; i < 200; i++) await boss.send('mail', { work: `new ${i}` })
    })()
    const moved = await redrive()
    const undone = await world.jobsctl(['undo', operationOf(moved), '--yes', '--json'])
    await sending
    // 9 where workers have begun some of the jobs.
    expect({ moved: moved.code, undone: undone.code === 0 || undone.code === 9 }, undone.err).toEqual({
      moved: 0,
      undone: true,
    })
    const { affected, conflict_count: taken } = JSON.parse(undone.out)
    expect(JSON.parse(moved.out)).toMatchObject({ affected: count })
    expect(affected + taken).toBe(count)
    expect(affected).toBeGreaterThan(count / 4)
    const back = await rowsOf(database.sql, { queue: dead })
    expect(back).toHaveLength(affected)
    const known = new Map(letters.map((row) => [row.id, row]))
    const differing = back.filter((row) => {
      const { keep_until: _, ...before } = known.get(row.id) ?? row
      const { keep_until: __, ...now } = row
      return JSON.stringify(now) !== JSON.stringify(before)
    })
    expect(differing).toEqual([])
  })

  it('keeps each original from a retry, whether its copy waits or has moved', async () => {
    const { code, out } = await world.jobsctl(['retry', '--domain', 'pgboss', '--yes', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ affected: 0, refused_count: count })
  })

  it('runs each piece of work once in the end, and loses none', async () => {
    for (const name of sources) await worker.work(name, { batchSize: 200 })
    const { code, err } = await redrive()
    expect(code, err).toBe(0)
    await until('nothing waits any more', async () => {
      const rows = await rowsOf(database.sql)
      return rows.every(({ state }) => state === 'completed' || state === 'failed')
    })
    const times = await begun()
    const wrong = [...times].filter(([, some]) => some !== 1)
    expect(wrong).toEqual([])
    for (const name of sources)
      for (let i = 0; i < count / sources.length; i++) expect(times.get(`${name} ${i}`)).toBe(1)
    expect(await rowsOf(database.sql, { queue: dead })).toEqual([])
    expect([...(await boss.faults()), ...(await worker.faults())]).toEqual([])
  })

  it('leaves a dead letter whose original boss.retry() has put back, and runs it once', async () => {
    await failNew('twin', 3)
    const failed = (await rowsOf(database.sql, { queue: 'twin' })).filter(({ state }) => state === 'failed')
    const letters = await rowsOf(database.sql, { queue: dead })
    const again = failed.filter(({ id }) => letters.slice(0, 2).some(({ source_id }) => source_id === id))
    await boss.call(
      'retry',
      'twin',
      again.map(({ id }) => id),
    )
    const { out } = await redrive()
    expect(JSON.parse(out)).toMatchObject({ affected: 1, refused_count: 2 })
  })
})
