import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { codeOf, paths, previewOf, resultOf } from './answers.ts'
import { hasOldBuild, orders } from './old-build.ts'
import { clear, insertJobs, readRecords } from './rows.ts'
import { openPair, type Pair } from './side-by-side.ts'

describe.skipIf(!hasOldBuild).each(orders)('a token that jobs-server of the $one build made', ({ one, other }) => {
  let pair: Pair
  let token = ''
  let bearer = { authorization: '' }
  beforeAll(async () => {
    pair = await openPair({ one, other }, { AUTH_MODE: 'multi_user' })
    const made = await pair.command(one, ['token', 'create', 'ann'])
    expect(made).toMatchObject({ code: 0, err: '' })
    token = made.out.trim()
    bearer = { authorization: `Bearer ${token}` }
  })
  afterAll(() => pair?.close())
  beforeEach(() => clear(pair.sql))

  it('is known to both servers, and is listed by both builds', async () => {
    for (const side of pair.both) {
      expect(await side.get(paths.stats, bearer), side.build).toMatchObject({ status: 200 })
      const { code, out } = await pair.command(side.build, ['token', 'list'])
      expect(code).toBe(0)
      expect(out.split('\t').slice(0, 2)).toEqual([token.split('_')[1], 'ann'])
      const run = await pair.jobsctl(side.build, side, ['stats'], { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: token })
      expect(run).toMatchObject({ code: 0, err: '' })
    }
  })

  it(`stands for the same caller at the ${other} server: its previews, its repeated keys and its operations`, async () => {
    const { sql, one, other, both } = pair
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      await clear(sql)
      await insertJobs(sql, { n: 3 })
      const preview = await first.post(paths.prune, { dry_run: true }, bearer)
      const request = { preview_token: previewOf(preview).token }
      const key = { ...bearer, 'idempotency-key': `by ${first.build}` }
      const pruned = await second.change(paths.prune, request, key)
      expect(resultOf(pruned).affected).toBe(3)
      expect((await first.change(paths.prune, request, key)).body).toEqual(pruned.body)
      const undone = await first.change(paths.undo(resultOf(pruned).operation), {}, bearer)
      expect(resultOf(undone).affected).toBe(3)
      expect(await readRecords(sql)).toMatchObject([{ kind: 'prune' }, { kind: 'undo' }])
      for (const side of both) {
        const { body } = await side.get(paths.operations, bearer)
        expect(body, side.build).toMatchObject([{ caller: 'ann' }, { caller: 'ann' }])
      }
    }
  })

  it('is no key of another caller', async () => {
    const { sql, one, other } = pair
    const made = await pair.command(one.build, ['token', 'create', 'bob'])
    const bob = { authorization: `Bearer ${made.out.trim()}` }
    await insertJobs(sql, { n: 3 })
    const preview_token = previewOf(await one.post(paths.prune, { dry_run: true }, bearer)).token
    expect(codeOf(await other.change(paths.prune, { preview_token }, bob))).toMatch(/^(409|422) /)
    const key = { 'idempotency-key': 'k' }
    expect(resultOf(await one.change(paths.prune, {}, { ...bearer, ...key })).affected).toBe(3)
    expect(resultOf(await other.change(paths.prune, {}, { ...bob, ...key })).affected).toBe(0)
  })

  it(`ends on both servers when jobs-server of the ${other} build revokes it`, async () => {
    const id = token.split('_')[1] ?? ''
    expect(await pair.command(other, ['token', 'revoke', id])).toMatchObject({ code: 0 })
    for (const side of pair.both) expect(codeOf(await side.get(paths.stats, bearer))).toBe('401 unauthenticated')
  })
})
