import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { previewLifetimeSeconds } from '../../../../server/bulk/token/preview-token.ts'
import {
  ask,
  type Change,
  changes,
  clearAll,
  codeOf,
  doneOf,
  previewOf,
  prune,
  requeue,
} from '../../../support/changes/bulk-tools.ts'
import { tokenBody, tokenSigner } from '../../../support/changes/sign-token.ts'
import { emptyDatabase } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { openWorld, type World } from '../../../support/world.ts'

const { PROPERTY_RUNS: runs = '30', PROPERTY_SEED: seed } = process.env
const stale = '409 preview_stale'

/** Other filters of the same kind of change. */
const narrower: Record<Change['kind'], object> = {
  prune: { older_than_days: 29 },
  sweep: { age_seconds: 3599 },
  requeue: { queue: 'default' },
  integrity: { job_type: 'export' },
  cancel: { force: true },
  retry: { keep_retries: true },
  reclaim: { count_attempt: true },
  reschedule: { spread_seconds: 60 },
  priority: { priority: 2 },
  edit: { unset: ['payload.other'] },
}

describe.each(['postgres'] as const)('the token of a preview on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it.each(changes)('$name: counts once, for these filters, and for this kind alone', async (change) => {
    await world.jobs(3, change.wanted)
    const { token: preview_token } = await previewOf(world, change)
    const before = await world.fingerprint()

    expect(codeOf(await ask(world, change, { ...narrower[change.kind], preview_token }))).toBe(stale)
    for (const other of changes.filter(({ name }) => name !== change.name)) {
      expect(codeOf(await ask(world, other, { preview_token }))).toBe(stale)
    }
    expect(await world.fingerprint()).toBe(before)
    expect(doneOf(await ask(world, change, { preview_token }))).toMatchObject({ affected: 3, skipped: 0 })
    await world.jobs(1, change.wanted)
    expect(codeOf(await ask(world, change, { preview_token }))).toBe(stale)
  })

  it.each(changes)('$name: is refused when it is null or blank, since its preview failed', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()
    for (const preview_token of [null, '', ' '])
      expect(codeOf(await ask(world, change, { preview_token }))).toBe('422 invalid_request')
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(changes)(
    '$name: may be used again where the first time failed before anything was changed',
    async (change) => {
      await world.jobs(3, change.wanted)
      const { token: preview_token } = await previewOf(world, change)
      await world.sql.unsafe(`
      create function refuse() returns trigger language plpgsql as 'begin raise exception ''not now''; end';
      create trigger refuse before update or delete on jobs for each row execute function refuse()`)
      const refused = await ask(world, change, { preview_token }).finally(() =>
        world.sql.unsafe('drop function refuse cascade'),
      )

      expect(codeOf(refused)).toBe('409 conflict')
      expect(codeOf(await ask(world, change, { preview_token, max: 2 }))).toBe('412 limit_exceeded')
      expect(doneOf(await ask(world, change, { preview_token }))).toMatchObject({ affected: 3 })
    },
  )

  it.each(['', '  '])('is not "%s", which is what a preview that failed leaves', async (preview_token) => {
    await world.jobs(2)
    expect(codeOf(await ask(world, prune, { preview_token }))).toBe('422 invalid_request')
    expect(await world.count()).toBe(2)
  })

  it('is of no use when any character of it is another, is gone, or is one too many', async () => {
    await world.jobs(2)
    const { token } = await previewOf(world, prune)
    const place = fc.nat(token.length)
    const some = fc.oneof(
      fc.constantFrom('.', '=', '!', ' ', '-', '_', '+', '/', '\n'),
      fc.base64String({ maxLength: 3 }),
    )
    const mutation = fc.record({ at: place, gone: fc.nat(3), some })
    const ends = ['.', '.x', '=', '!', ' '].map((some) => ({ at: token.length, gone: 0, some }))
    const property = fc.asyncProperty(mutation, async ({ at, gone, some }) => {
      const changed = token.slice(0, at) + some + token.slice(at + gone)
      if (changed === token || changed.trim() === '') return
      expect(codeOf(await ask(world, prune, { preview_token: changed }))).toBe(stale)
    })
    const numRuns = Number(runs)
    await fc.assert(property, { numRuns, examples: ends.map((end) => [end]), ...(seed && { seed: Number(seed) }) })
    // The last character holds bits that belong to no byte.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const changed = token.slice(0, -1) + last
      if (changed !== token) expect(codeOf(await ask(world, prune, { preview_token: changed }))).toBe(stale)
    }
    expect(await world.count()).toBe(2)
    expect(doneOf(await ask(world, prune, { preview_token: token }))).toMatchObject({ affected: 2 })
  })

  it('is of no use when another key has signed it, another database made it, or its day is over', async () => {
    await world.jobs(2)
    const { token } = await previewOf(world, prune)
    const sign = await tokenSigner(world)
    const body = tokenBody(token)
    const ago = (seconds: number) => new Date(Date.parse(body.as_of) - seconds * 1000).toISOString()
    const [, end = '0'] = body.seen.split(':')
    const future = String(BigInt(end) + 1_000_000n)

    const forged = [
      sign(body, 'another key'),
      sign({ ...body, as_of: ago(previewLifetimeSeconds + 1) }),
      sign({ ...body, seen: `${future}:${future}:` }),
    ]
    for (const preview_token of forged) expect(codeOf(await ask(world, prune, { preview_token }))).toBe(stale)
    expect(await world.count()).toBe(2)
    const old = sign({ ...body, as_of: ago(previewLifetimeSeconds - 60) })
    expect(doneOf(await ask(world, prune, { preview_token: old }))).toMatchObject({ affected: 2 })
  })

  it('leaves alone what came of age since', async () => {
    await world.jobs(1, { days: 30 - 1 / 86_400 })
    await world.jobs(1)
    const { token: preview_token, count } = await previewOf(world, prune)
    expect(count).toBe(1)
    const young = { older_than_days: 30 }
    await expect.poll(async () => (await previewOf(world, prune)).count).toBe(2)
    expect(doneOf(await ask(world, prune, { ...young, preview_token }))).toMatchObject({ affected: 1, skipped: 0 })
  })
})

describe('the token of a preview on two servers', () => {
  it('counts on the other one, too, and there only once; on another database it does not', async () => {
    const world = await openWorld('postgres')
    const stranger = await openWorld('postgres', {}, emptyDatabase())
    const { url, prepared, stop } = await startServer(world.env)
    try {
      await prepared
      await world.jobs(3, requeue.wanted)
      const { token: preview_token } = await previewOf(world, requeue)
      const headers = { 'x-api-key': world.key, 'x-confirm': 'true' }
      const there = () =>
        call({ url, method: 'POST', path: requeue.path, body: { ...requeue.body, preview_token }, headers })

      expect(codeOf(await ask(stranger, requeue, { preview_token }))).toBe(stale)
      expect(doneOf(await there())).toMatchObject({ affected: 3, skipped: 0 })
      expect(codeOf(await there())).toBe(stale)
      expect(codeOf(await ask(world, requeue, { preview_token }))).toBe(stale)
    } finally {
      await stop()
      await Promise.all([world.stop(), stranger.stop()])
    }
  })
})
