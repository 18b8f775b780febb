import { afterEach, beforeEach, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import { rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

interface Slot {
  policy: string
  /** The state of the jobs to retry, and of the job that has the slot. */
  ended: 'failed' | 'cancelled'
  holder: string
  /** The column of the slot beside the policy. */
  slot?: 'singleton_on'
}

/** Each unique index of pg-boss that a retry may violate. */
const slots: Slot[] = [
  { policy: 'exclusive', ended: 'failed', holder: 'created' },
  { policy: 'exclusive', ended: 'failed', holder: 'active' },
  { policy: 'stately', ended: 'failed', holder: 'retry' },
  { policy: 'short', ended: 'cancelled', holder: 'created' },
  { policy: 'stately', ended: 'cancelled', holder: 'created' },
  { policy: 'standard', ended: 'cancelled', holder: 'completed', slot: 'singleton_on' },
]

besideEach(changeable, 'retry into slots that are taken', (version) => {
  let database: BossDatabase
  let world: World
  beforeEach(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const policy of new Set(slots.map((slot) => slot.policy))) await boss.queue(policy, { policy })
    await boss.kill()
    world = await openRecords(database)
  })
  afterEach(() => database?.close())

  const insert = (policy: string, state: string, key: string, slot: boolean) => database.sql`
    insert into pgboss.job (name, policy, state, singleton_key, singleton_on, completed_on)
    values (
      ${policy}, ${policy}, ${state}::pgboss.job_state, ${key}, ${slot ? '2026-01-01 00:00' : null},
      ${['created', 'retry', 'active'].includes(state) ? null : new Date()}
    )`

  it.each(slots)('refuses these by their names and retries the rest: $policy, $ended, $holder', async (slot) => {
    const { policy, ended, holder } = slot
    // A slot of time is free only of cancelled jobs.
    const isTime = slot.slot === 'singleton_on'
    for (const key of ['1', '2', '3', '4']) await insert(policy, ended, key, isTime)
    for (const key of ['1', '2']) await insert(policy, holder, key, isTime)
    const before = await rowsOf(database.sql)
    const taken = before.filter((row) => row.state === ended && ['1', '2'].includes(String(row.singleton_key)))
    const argv = ['retry', '--domain', 'pgboss', '--queue', policy, '--status', ended, '--yes', '--json']
    const { out, err } = await world.jobsctl(argv)
    const after = await rowsOf(database.sql)
    expect(after.filter(({ state }) => state === ended).map(({ id }) => id)).toEqual(taken.map(({ id }) => id))
    for (const { id } of taken) expect(`${out}${err}`).toContain(id)
  })

  it('retries one of two failed jobs that share a slot', async () => {
    for (const key of ['1', '1', '2']) await insert('exclusive', 'failed', key, false)
    await world.jobsctl(['retry', '--domain', 'pgboss', '--queue', 'exclusive', '--yes'])
    const rows = await rowsOf(database.sql)
    expect(rows.map(({ singleton_key, state }) => `${singleton_key} ${state}`).toSorted()).toEqual([
      '1 failed',
      '1 retry',
      '2 retry',
    ])
  })

  it('gives back by an undo what has a place, and refuses by name what has none any more', async () => {
    for (const key of ['1', '2', '3']) await insert('exclusive', 'created', key, false)
    const cancelled = await world.jobsctl(['cancel', '--domain', 'pgboss', '--queue', 'exclusive', '--yes', '--json'])
    await insert('exclusive', 'created', '1', false)
    const undone = await world.jobsctl(['undo', operationOf(cancelled), '--yes', '--json'])
    expect(JSON.parse(undone.out || '{}')).toMatchObject({ affected: 2, conflict_count: 1 })
    const rows = await rowsOf(database.sql)
    const states = rows.map(({ singleton_key, state }) => `${singleton_key} ${state}`)
    expect(states.toSorted()).toEqual(['1 cancelled', '1 created', '2 created', '3 created'])
  })
})
