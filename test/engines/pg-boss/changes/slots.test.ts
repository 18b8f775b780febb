import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import { rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

/** Unique indexes of pg-boss that a retry may violate: the policy of the queue, and the state of the job that has the slot. */
const slots = [
  { policy: 'exclusive', holder: 'created' },
  { policy: 'exclusive', holder: 'active' },
  { policy: 'stately', holder: 'retry' },
]

besideEach(changeable, 'retry into slots that are taken', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const policy of new Set(slots.map((slot) => slot.policy))) await boss.queue(policy, { policy })
    await boss.kill()
    world = await openRecords(database)
  })
  afterAll(() => database?.close())
  beforeEach(() => database.sql`delete from pgboss.job`)

  const insert = (policy: string, state: string, key: string) => database.sql`
    insert into pgboss.job (name, policy, state, singleton_key, completed_on)
    values (${policy}, ${policy}, ${state}::pgboss.job_state, ${key}, ${state === 'failed' ? new Date() : null})`

  it.each(slots)(
    'leaves the jobs of these as they are, and takes all others: $policy, $holder',
    async ({ policy, holder }) => {
      for (const key of ['1', '2', '3', '4']) await insert(policy, 'failed', key)
      for (const key of ['1', '2']) await insert(policy, holder, key)
      const { out } = await world.jobsctl(['retry', '--domain', 'pgboss', '--queue', policy, '--yes', '--json'])
      expect(JSON.parse(out)).toMatchObject({ affected: 2 })
      const failed = (await rowsOf(database.sql)).filter(({ state }) => state === 'failed')
      expect(failed.map(({ singleton_key }) => singleton_key).toSorted()).toEqual(['1', '2'])
    },
  )

  it('gives back by an undo what has a place, and counts what has none any more', async () => {
    for (const key of ['1', '2', '3']) await insert('exclusive', 'created', key)
    const cancelled = await world.jobsctl(['cancel', '--domain', 'pgboss', '--queue', 'exclusive', '--yes', '--json'])
    await insert('exclusive', 'created', '1')
    const undone = await world.jobsctl(['undo', operationOf(cancelled), '--yes', '--json'])
    expect(JSON.parse(undone.out || '{}')).toMatchObject({ affected: 2, conflict_count: 1 })
    const rows = await rowsOf(database.sql)
    const states = rows.map(({ singleton_key, state }) => `${singleton_key} ${state}`)
    expect(states.toSorted()).toEqual(['1 cancelled', '1 created', '2 created', '3 created'])
  })
})
