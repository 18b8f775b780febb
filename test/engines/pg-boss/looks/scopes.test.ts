import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { bearer, makeScoped, makeToken } from '../../../support/access/tokens.ts'
import type { World } from '../../../support/world.ts'
import { makeRecords } from '../../support/admin.ts'
import { age, differencesOf, fill, rowsOf, same } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const Jobs = z.array(z.looseObject({ id: z.string(), queue: z.string() }))

besideEach(changeable, 'callers with roles and scopes', (version) => {
  let database: BossDatabase
  let world: World
  let viewer: Record<string, string>
  let ofMail: Record<string, string>
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const queue of ['mail', 'other']) await boss.queue(queue)
    await boss.kill()
    await fill(database.sql, { queues: ['mail', 'other'], count: 40, states: ['created', 'completed', 'failed'] })
    await age(database.sql, 60)
    await makeRecords(database)
    world = await database.serve({ AUTH_MODE: 'multi_user' })
    viewer = bearer(await makeToken(world.sql, 'viewer', 'viewer'))
    ofMail = bearer(await makeScoped(world.sql, 'operator', { queues: [{ domain: 'pgboss', queue: 'mail' }] }))
  })
  afterAll(() => database?.close())

  it('see the jobs of their scope alone, by list, key and uuid', async () => {
    const rows = await rowsOf(database.sql)
    const { body } = await world.call('GET', '/api/v1/jobs/list?limit=1000', undefined, ofMail)
    const mail = rows.filter(({ name }) => name === 'mail').map(({ id }) => `mail/${id}`)
    expect(
      Jobs.parse(body)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(mail.toSorted())
    const other = rows.find(({ name }) => name === 'other')
    for (const key of [`other/${other?.id}`, other?.id ?? '']) {
      const answer = await world.call('GET', `/api/v1/jobs/job?key=${encodeURIComponent(key)}`, undefined, ofMail)
      expect({ key, status: answer.status }).toEqual({ key, status: 404 })
    }
  })

  it('change no job outside of it, and a viewer changes none', async () => {
    const before = await rowsOf(database.sql)
    const prune = { statuses: ['completed', 'failed'], older_than_days: 30, domain: 'pgboss' }
    const refused = await world.confirm('/api/v1/jobs/prune', prune, viewer)
    expect(refused.status).toBe(403)
    expect(differencesOf(before, await rowsOf(database.sql))).toEqual(same)
    const pruned = await world.confirm('/api/v1/jobs/prune', prune, ofMail)
    expect(pruned).toMatchObject({ status: 200 })
    const { gone, added, changed } = differencesOf(before, await rowsOf(database.sql))
    expect({ added, changed }).toEqual({ added: [], changed: {} })
    expect(gone.length).toBeGreaterThan(0)
    expect(gone.filter((key) => !key.startsWith('mail/'))).toEqual([])
  })
})
