import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { applyRules, endOfRun, makeDue, policyOf, pruning, sweeping } from '../../support/changes/policy.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/policy'

describe.each(kinds)('a policy on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  let token = ''
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    token = await makeToken(world.sql, 'boss', 'admin')
    admin = bearer(token)
  })

  const operations = async (kind: string) =>
    (await world.call('GET', `/api/v1/jobs/operations?kind=${kind}`, undefined, admin)).body

  it('is applied on record, in place of the revision that the caller has seen', async () => {
    const { revision } = await policyOf(world, admin)
    const rules = [pruning(), sweeping({ at: '*/10 * * * *', mode: 'report' })]
    const apply = (body: object, headers = {}) =>
      world.confirm(path, { rules, revision, ...body }, { ...admin, ...headers })
    const print = await world.fingerprint()
    expect(await world.post(path, { rules, revision }, admin)).toMatchObject({ status: 400 })
    await world.jobs(2, { status: 'completed', completed_at: ago(40 * 86_400) })
    const dry = await apply({ dry_run: true }, { 'x-confirm': '' })
    expect(dry).toMatchObject({
      status: 200,
      body: {
        would_change: true,
        rules: [],
        first_runs: [
          { name: 'finished', matched: 2, complete: true, would_change: 2 },
          { name: 'stuck', matched: 0, would_change: 0 },
        ],
      },
    })
    await world.sql`delete from jobs`
    expect(await world.fingerprint()).toBe(print)

    const applied = await apply({}, { 'x-reason': 'the first one' })
    expect(applied).toMatchObject({
      status: 200,
      body: {
        revision: revision + 1,
        applied: { caller: idOf(token), name: 'boss', reason: 'the first one' },
        problem: null,
        author_until: expect.any(String),
        rules: [{ name: 'finished', last: null }, { name: 'stuck' }],
      },
    })
    expect(await operations('policy.applied')).toMatchObject([
      { caller: idOf(token), reason: 'the first one', filters: { revision: revision + 1, rules, before: [] } },
    ])
    expect(await apply({})).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await apply({ dry_run: true })).toMatchObject({ status: 409 })
    const again = await apply({ revision: revision + 1, dry_run: true })
    expect(again.body).toMatchObject({ would_change: false })
  })

  it('keeps the next time and the last run of a rule that stays as it is', async () => {
    await applyRules(world, [pruning(), sweeping()], admin)
    await makeDue(world.sql, 'finished')
    await endOfRun(world, 'finished', undefined, admin)
    const before = await policyOf(world, admin)
    await applyRules(world, [sweeping({ at: '0 4 * * *' }), pruning({ max: 7 })], admin)
    const after = await policyOf(world, admin)
    expect(after.rules.map(({ name }) => name)).toEqual(['stuck', 'finished'])
    expect(after.rules[1]).toEqual({ ...before.rules[0], rule: { ...before.rules[0]?.rule, max: 7 } })
    expect(after.rules[0]?.next_at).toMatch(/T04:00:00/)
    await applyRules(world, [], admin)
    expect(await policyOf(world, admin)).toMatchObject({ rules: [], problem: null })
  })

  it('is applied by an admin alone', async () => {
    const rules = [pruning()]
    for (const role of ['operator', 'viewer', 'auditor'] as const) {
      const as = bearer(await makeToken(world.sql, role, role))
      expect(await world.confirm(path, { rules, revision: 0 }, as)).toMatchObject({ status: 403 })
      expect((await world.call('GET', path, undefined, as)).status).toBe(200)
    }
  })

  it.each([
    ['a name of another form', { name: 'A' }],
    ['a cron of six fields', { at: '0 0 3 * * *' }],
    ['a minute that is none', { at: '60 3 * * *' }],
    ['a day that never comes', { at: '0 3 30 2 *' }],
    ['letters that only some programs know', { at: '0 3 L * *' }],
    ['a time zone that is none', { time_zone: 'Mars/Phobos' }],
    ['an offset for a time zone', { time_zone: '+02:00' }],
    ['two changes', { sweep: { age_seconds: 60, action: 'fail' } }],
    ['no change', { prune: undefined }],
    ['every domain by mistake', { domain: undefined }],
    ['every domain and one', { all: true }],
    ['a blank domain', { domain: ' ' }],
    ['live jobs', { prune: { statuses: ['queued'], older_than_days: 1 } }],
    ['no limit', { max: undefined }],
    ['an approval above less than nothing', { approval_above: -1 }],
    ['a field that nobody knows', { approvals: 5 }],
  ])('is refused with %s', async (_, more) => {
    const { revision } = await policyOf(world, admin)
    const answer = await world.confirm(path, { rules: [pruning(more)], revision }, admin)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
  })
})
