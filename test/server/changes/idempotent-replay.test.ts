import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rotatePreviewKey } from '../../../server/bulk/token/rotate-key.ts'
import { makeToken } from '../../support/access/tokens.ts'
import {
  ask,
  at,
  changes,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  previewOf,
  prune,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../support/world.ts'

const named = (key: string) => ({ 'idempotency-key': key })

describe.each(['postgres'] as const)('a change under an idempotency key on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it.each(changes)('$name: is made once, and answered alike for ever', async (change) => {
    const key = named(`  ${change.name} 1 `)
    await world.jobs(3, change.wanted)
    const first = await ask(world, change, {}, key)
    expect(doneOf(first).affected).toBe(3)
    await world.jobs(2, change.wanted)
    const after = await world.fingerprint()

    for (const again of [await ask(world, change, {}, key), await ask(world, change, {}, key)]) {
      expect(again).toMatchObject({ status: 200, body: first.body })
    }
    expect(codeOf(await ask(world, change, { max: 10 }, key))).toBe('409 conflict')
    expect(codeOf(await ask(world, change, { queue: 'default' }, key))).toBe('409 conflict')
    expect(await world.fingerprint()).toBe(after)
    expect(doneOf(await ask(world, change, {}, named('another'))).affected).toBe(2)
    await expectIntact(world)
  })

  it.each(changes)(
    '$name: of eight at once, one changes, and the others say the same or that it still runs',
    async (change) => {
      await world.jobs(40, change.wanted)
      const key = named(randomUUID())
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(world, change, {}, key)))

      const good = answers.filter(({ status }) => status === 200)
      expect(good.length).toBeGreaterThan(0)
      for (const { body } of good) expect(body).toEqual(good[0]?.body)
      for (const other of answers.filter(({ status }) => status !== 200)) {
        expect(other).toMatchObject({ status: 409, body: { detail: expect.stringContaining('is still running') } })
      }
      const [{ sum }] = await world.sql<[{ sum: number }]>`select sum(affected)::bigint as sum from job_operations`
      expect(sum).toBe(40)
      expect(await ask(world, change, {}, key)).toMatchObject({ status: 200, body: good[0]?.body ?? {} })
    },
  )

  it('is the same after it was undone, and with a preview that is used up', async () => {
    await world.jobs(3)
    const { token: preview_token } = await previewOf(world, prune)
    const first = await ask(world, prune, { preview_token }, named('one'))
    const { operation = 0 } = doneOf(first)
    const undone = await world.confirm(at.undo(operation), {}, named('two'))
    expect(doneOf(undone).affected).toBe(3)

    expect(await ask(world, prune, { preview_token }, named('one'))).toMatchObject({ status: 200, body: first.body })
    expect(await world.confirm(at.undo(operation), {}, named('two'))).toMatchObject({ status: 200, body: undone.body })
    expect(codeOf(await ask(world, prune, { preview_token }, named('three')))).toBe('409 preview_stale')
    expect(await world.count()).toBe(3)
  })

  it.each(changes)('$name: is the same after the key of its preview was rotated away', async (change) => {
    const key = named('rotated')
    await world.jobs(3, change.wanted)
    const { token: preview_token } = await previewOf(world, change)
    const first = await ask(world, change, { preview_token }, key)
    await world.sql.begin((tx) => rotatePreviewKey(tx, { atOnce: true }))

    expect(await ask(world, change, { preview_token }, key)).toMatchObject({ status: 200, body: first.body })
    expect(codeOf(await ask(world, change, { preview_token }, named('another')))).toBe('409 preview_stale')
  })

  it('remembers that there was nothing to do, and forgets what was refused', async () => {
    expect(doneOf(await ask(world, requeue, {}, named('none'))).affected).toBe(0)
    await world.jobs(3, requeue.wanted)
    expect(doneOf(await ask(world, requeue, {}, named('none'))).affected).toBe(0)

    expect(codeOf(await ask(world, requeue, { max: 2 }, named('many')))).toBe('412 limit_exceeded')
    expect(doneOf(await ask(world, requeue, {}, named('many'))).affected).toBe(3)
  })

  it('refuses a name that is none', async () => {
    for (const key of ['x'.repeat(257), 'caf\u00e9']) {
      expect(codeOf(await ask(world, prune, {}, named(key)))).toBe('422 invalid_request')
    }
  })
})

describe('two callers', () => {
  it('have keys and previews of their own', async () => {
    const world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    try {
      const [ann, bob] = [await makeToken(world.sql, 'ann'), await makeToken(world.sql, 'bob')]
      const as = (token: string) => ({ 'x-api-key': '', authorization: `Bearer ${token}` })
      await world.jobs(2)
      const post: World['post'] = (path, body, headers) => world.post(path, body, { ...as(ann), ...headers })
      const { token: preview_token } = await previewOf({ post }, prune)

      expect(codeOf(await ask(world, prune, { preview_token }, as(bob)))).toBe('409 preview_stale')
      expect(doneOf(await ask(world, prune, { preview_token }, { ...as(ann), ...named('k') })).affected).toBe(2)
      await world.jobs(1)
      expect(doneOf(await ask(world, prune, {}, { ...as(bob), ...named('k') })).affected).toBe(1)
      expect(codeOf(await ask(world, prune, {}, { ...as(ann), ...named('k') }))).toBe('409 conflict')
    } finally {
      await world.stop()
    }
  })
})
