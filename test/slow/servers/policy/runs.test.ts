import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { OperationRecord } from '../../../../shared/records/records.ts'
import { applyRules, endOfRun, makeDue, policyOf, pruning, sweeping } from '../../../support/changes/policy.ts'
import { ago } from '../../../support/database/job-row.ts'
import { openWorld, type World } from '../../../support/world.ts'

const days = (count: number) => ago(count * 86_400)

// Most of these tests wait for a look at the rules, every few seconds. Those of the command `policy` see runs on the embedded database, too.
describe('the runs of a policy', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const records = async () =>
    z.array(OperationRecord).parse((await world.call('GET', '/api/v1/jobs/operations?kind=changes')).body)

  /** Completed jobs that ended so many days ago, each. */
  const ended = async (...ages: number[]) => {
    for (const age of ages) await world.jobs(1, { status: 'completed', completed_at: days(age), created_at: days(age) })
  }
  const agesLeft = async () =>
    (await world.rows()).map(({ completed_at }) =>
      Math.round((Date.now() - Date.parse(completed_at ?? '')) / 86_400_000),
    )

  it('change so many jobs as the rule allows, the oldest first, on record, and leave the others to the next run', async () => {
    await ended(41, 90, 35, 10, 60, 50)
    await world.jobs(3, { domain: 'tales', status: 'completed', completed_at: days(99) })
    const { body } = await applyRules(world, [pruning({ max: 2 })], { 'x-reason': 'retention of 2027' })
    expect(body).toMatchObject({ applied: { caller: 'single-user', reason: 'retention of 2027' }, problem: null })
    expect(await world.count()).toBe(9)
    await makeDue(world.sql, 'finished')
    const last = await endOfRun(world, 'finished')
    expect(last).toMatchObject({ state: 'done', matched: 5, affected: 2, left: 3, missed: 0, problem: null })
    expect((await agesLeft()).filter((age) => age < 95).sort()).toEqual([10, 35, 41, 50])
    const [record] = await records()
    expect(record).toMatchObject({
      ...{ id: last.operation_id, kind: 'prune', state: 'done', affected: 2, previewed: 5, caller: 'single-user' },
      ...{ domain: 'chatbooks', reason: 'policy finished: retention of 2027', hash: expect.any(String) },
      filters: { policy: 'finished', limit: 2, older_than_days: 30 },
    })

    const before = (await policyOf(world)).rules[0]
    expect(Date.parse(before?.next_at ?? '')).toBeGreaterThan(Date.now())
    await makeDue(world.sql, 'finished')
    expect(await endOfRun(world, 'finished', before)).toMatchObject({ matched: 3, affected: 2, left: 1 })
    const undone = await world.confirm(`/api/v1/jobs/operations/${last.operation_id}/undo`, {})
    expect(undone).toMatchObject({ status: 200, body: { affected: 2 } })
    const verified = await world.call('GET', '/api/v1/jobs/operations/verify')
    expect(verified.body).toMatchObject({ ok: true })
  })

  it('follow a rule by the name of one that this version did not know', async () => {
    await applyRules(world, [pruning()])
    const [before] = await world.sql<[{ rule: string }]>`select rule from jobsctl_policy_rules`
    const unknown = JSON.stringify({ ...JSON.parse(before.rule), archive: { to: 'tape' } })
    await world.sql`update jobsctl_policy_rules set rule = ${unknown}`
    await makeDue(world.sql, 'finished')
    const warned = () => world.log.filter((line) => line.includes('does not know its rule'))
    await expect.poll(() => warned().length).toBe(1)
    await world.sql`update jobsctl_policy_rules set rule = ${before.rule}`
    expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done' })
    expect(warned()).toHaveLength(1)
  })

  it('go on beside rules that somebody has broken by hand, which are reported, and are mended by another apply', async () => {
    const names = ['infinite', 'long-ago', 'never', 'no-json', 'odd-last', 'odd-times', 'renamed']
    const rules = [...names.map((name) => pruning({ name })), pruning({ max: 7 })]
    await applyRules(world, rules)
    await world.sql`update jobsctl_policy_rules set next_at = '-infinity' where name = 'infinite'`
    await world.sql`update jobsctl_policy_rules set next_at = '0044-03-15 00:00+00 BC' where name = 'long-ago'`
    await world.sql`update jobsctl_policy_rules set next_at = 'infinity' where name = 'never'`
    await world.sql`
      update jobsctl_policy_rules set next_at = now() - interval '1 hour', rule = '{"approval_above": 1' where name = 'no-json'`
    await world.sql`
      update jobsctl_policy_rules
      set next_at = now() - interval '1 hour', due_at = 'infinity', state = 'done', began_at = now(), ended_at = now()
      where name = 'odd-last'`
    await world.sql`
      update jobsctl_policy_rules
      set next_at = now() - interval '1 hour', rule = replace(rule, '"at":"', '"at":"61 ') where name = 'odd-times'`
    await world.sql`
      update jobsctl_policy_rules
      set next_at = now() - interval '1 hour', rule = replace(rule, '"renamed"', '"another"') where name = 'renamed'`
    await makeDue(world.sql, 'finished')
    expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done' })
    const broken = names.map((name) => ({ name, problem: expect.any(String) }))
    expect(await policyOf(world)).toMatchObject({ problem: null, broken, rules: [{ name: 'finished' }] })
    const warned = (name: string) =>
      world.log.filter((line) => line.includes(`rule \\"${name}\\" of the policy does not run: `))
    for (const name of names) await expect.poll(() => warned(name), { timeout: 20_000 }).toHaveLength(1)
    const shown = await world.jobsctl(['policy', 'show'])
    expect(shown.code).toBe(0)
    expect(shown.err).toContain('Rule infinite does not run: its time is -infinity.')
    expect(shown.err).toContain('Rule renamed does not run: its rule has the name another.')
    expect((await world.jobsctl(['doctor'])).out).toMatch(
      /^policy\twarning\trule infinite does not run: its time is -infinity\t/m,
    )
    // Changes of other callers read the rules, too.
    await world.jobs(1, { status: 'completed', completed_at: ago(40 * 86_400) })
    expect(await world.confirm('/api/v1/jobs/prune', { domain: 'chatbooks' })).toMatchObject({ status: 200 })

    const { revision } = await policyOf(world)
    const dry = await world.confirm('/api/v1/jobs/policy', { rules: [rules.at(-1)], revision, dry_run: true })
    expect(dry.body).toMatchObject({ would_change: true })
    // A run that is an operation, of a server that is not here, keeps its row.
    const [{ id }] = await world.sql<[{ id: number }]>`
      insert into job_operations (kind, domain, filters, as_of, seen, caller, request_hash, touched_at)
      values ('prune', 'elsewhere', '{}', now(), '1:1:', 'single-user', 'x', now() + interval '1 hour')
      returning id`
    await world.sql`
      update jobsctl_policy_rules
      set due_at = 'infinity', state = 'running', began_at = now(), operation_id = ${id}::bigint where name = 'renamed'`
    await applyRules(world, rules)
    const mended = await policyOf(world)
    expect(mended).toMatchObject({ broken: [], rules: rules.map(({ name }) => ({ name })) })
    expect(mended.rules.map(({ last }) => last?.state)).toEqual([
      ...names.slice(1).map(() => undefined),
      'running',
      'done',
    ])
    expect(mended.rules.at(-2)?.last).toMatchObject({ operation_id: id })
    await world.sql`update job_operations set state = 'failed', ended_at = now() where id = ${id}::bigint`
  })

  it.each(['{"revision": 1', '{"revision": -1}', undefined])(
    'are refused where somebody has made %s of who applied the policy, which is reported, and mended by another apply',
    async (value) => {
      await ended(40)
      await applyRules(world, [pruning()])
      if (value === undefined) await world.sql`delete from jobsctl_settings where name = 'policy'`
      else await world.sql`update jobsctl_settings set value = ${value} where name = 'policy'`
      const problem = expect.stringContaining('the row policy of jobsctl_settings')
      const before = await policyOf(world)
      expect(before).toMatchObject({ revision: 0, applied: null, problem, rules: [{ name: 'finished' }] })
      expect((await world.jobsctl(['policy', 'show'])).err).toContain('No rule runs: somebody has changed or deleted')
      expect((await world.jobsctl(['doctor'])).out).toMatch(/^policy\twarning\tno rule runs: .+\tto write it again: /m)
      await makeDue(world.sql, 'finished')
      expect(await endOfRun(world, 'finished', before.rules[0])).toMatchObject({ state: 'refused', problem })
      const dry = await world.confirm('/api/v1/jobs/policy', { rules: [pruning()], revision: 0, dry_run: true })
      expect(dry.body).toMatchObject({ would_change: true })
      expect(await world.confirm('/api/v1/jobs/policy', { rules: [], revision: 7 })).toMatchObject({ status: 409 })
      expect((await applyRules(world, [pruning()])).body).toMatchObject({ revision: 1, problem: null })
      await makeDue(world.sql, 'finished')
      expect(await endOfRun(world, 'finished', (await policyOf(world)).rules[0])).toMatchObject({ state: 'done' })
    },
  )

  it.each(['infinity', 'another day', 'nobody', 'a lost record'])(
    'are taken from a server that is to have them until %s, which no server writes',
    async (until) => {
      await ended(40)
      await applyRules(world, [pruning()])
      const due = { infinity: 'infinity', 'another day': ago(-86_400) }[until] ?? null
      const operation = until === 'a lost record' ? 4_711_000 : null
      await world.sql`
        update jobsctl_policy_rules
        set state = 'running', due_at = now(), began_at = now(), held_until = ${due}::text::timestamptz,
            operation_id = ${operation}::bigint`
      expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done', affected: 1 })
    },
  )

  it('come at the next time of the rule, also where the clock of the database was ahead when it was written, and once', async () => {
    const soon = new Date(Date.now() + 1_800_000)
    await applyRules(world, [pruning(), sweeping({ at: `${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *` })])
    const nextOf = async (wanted: string) => (await policyOf(world)).rules.find(({ name }) => name === wanted)?.next_at
    const before = await nextOf('finished')
    await world.sql`update jobsctl_policy_rules set next_at = next_at + interval '10 years' where name = 'finished'`
    // The other rule has run already when a clock is set back by half an hour.
    await world.sql`
      update jobsctl_policy_rules
      set next_at = next_at + interval '1 day', due_at = next_at, state = 'done', began_at = now(), ended_at = now()
      where name = 'stuck'`
    const later = await nextOf('stuck')
    await expect.poll(() => nextOf('finished'), { timeout: 120_000, interval: 500 }).toBe(before)
    expect(await nextOf('stuck')).toBe(later)
  }, 150_000)

  it('are made at a time for which a run was made while the clock of the database was ahead', async () => {
    await ended(40)
    await applyRules(world, [pruning()])
    const due = new Date(Date.now() - 1000).toISOString()
    const makeDueThen = () => world.sql`update jobsctl_policy_rules set next_at = ${due}`
    await makeDueThen()
    const first = await endOfRun(world, 'finished')
    expect(first).toMatchObject({ state: 'done', affected: 1 })
    await ended(40, 50)
    await world.sql`update jobsctl_policy_rules set due_at = due_at + interval '1 day'`
    const before = (await policyOf(world)).rules[0]
    await makeDueThen()
    expect(await endOfRun(world, 'finished', before)).toMatchObject({
      state: 'done',
      due_at: first.due_at,
      affected: 2,
    })
    expect(await records()).toHaveLength(2)
  })

  it('sweep the jobs that wait the longest first', async () => {
    for (const age of [3, 9, 5]) await world.jobs(1, { status: 'queued', created_at: days(age) })
    await applyRules(world, [sweeping({ max: 2 })])
    await makeDue(world.sql, 'stuck')
    expect(await endOfRun(world, 'stuck')).toMatchObject({ state: 'done', matched: 3, affected: 2, left: 1 })
    const left = (await world.rows()).filter(({ status }) => status === 'queued')
    expect(left.map(({ created_at }) => Math.round((Date.now() - Date.parse(created_at ?? '')) / 86_400_000))).toEqual([
      3,
    ])
  })

  it('only count in report mode, and have no record where nothing matches', async () => {
    await ended(40, 50)
    await applyRules(world, [pruning({ mode: 'report' }), sweeping()])
    await makeDue(world.sql, 'finished')
    await makeDue(world.sql, 'stuck')
    expect(await endOfRun(world, 'finished')).toMatchObject({
      state: 'reported',
      matched: 2,
      affected: 0,
      operation_id: null,
    })
    expect(await endOfRun(world, 'stuck')).toMatchObject({ state: 'done', matched: 0, operation_id: null })
    expect(await world.count()).toBe(2)
    expect(await records()).toEqual([])
  })

  it('are one run where several times have passed, which says so', async () => {
    await ended(40)
    await applyRules(world, [pruning()])
    await makeDue(world.sql, 'finished', 3 * 86_400)
    const last = await endOfRun(world, 'finished')
    expect(last).toMatchObject({ state: 'done', affected: 1 })
    expect(last.missed).toBeGreaterThanOrEqual(3)
    expect(await records()).toHaveLength(1)
    expect(Date.parse((await policyOf(world)).rules[0]?.next_at ?? '')).toBeGreaterThan(Date.now())
  })

  it('wait while another prune runs in their scope, and are made when it has ended', async () => {
    await ended(40)
    await world.sql`
      insert into job_operations (kind, domain, filters, as_of, seen, caller, request_id, request_hash, touched_at)
      values ('prune', 'chatbooks', '{}', now(), '1:1:', 'somebody', '', '', now() + interval '1 hour')`
    await applyRules(world, [pruning()])
    await makeDue(world.sql, 'finished')
    await expect
      .poll(async () => (await policyOf(world)).rules[0]?.last, { interval: 100 })
      .toMatchObject({ state: 'running', problem: expect.stringContaining('another prune is running in this scope') })
    await world.sql`update job_operations set state = 'failed', ended_at = now() where caller = 'somebody'`
    await world.sql`update jobsctl_policy_rules set held_until = now()`
    expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done', affected: 1, problem: null })
  })

  it('begin again at a server that finds the run of one that died before the first batch', async () => {
    await ended(40)
    await applyRules(world, [pruning()])
    // Three servers have died with the run before.
    const [{ due, began }] = await world.sql<[{ due: Date | string; began: string }]>`
      update jobsctl_policy_rules
      set state = 'running', due_at = date_trunc('milliseconds', now()), began_at = now(), held_until = now(), attempts = 3
      returning due_at as due, extract(epoch from began_at)::text as began`
    await world.sql`
      insert into job_operations (kind, domain, filters, as_of, seen, caller, request_hash, idempotency_key)
      values ('prune', 'chatbooks', '{}', now(), '1:1:', 'single-user', 'x', ${`policy finished ${new Date(due).toISOString()} ${began}`})`
    await expect
      .poll(async () => (await policyOf(world)).rules[0]?.last, { timeout: 60_000, interval: 100 })
      .toMatchObject({ state: 'running', problem: expect.stringContaining('died before its first batch') })
    expect(await world.sql`select attempts from jobsctl_policy_rules`).toEqual([{ attempts: 3 }])
    await world.sql`update job_operations set touched_at = now() - interval '1 minute'`
    await expect
      .poll(() => world.sql`select from job_operations where state = 'running'`, { timeout: 60_000 })
      .toHaveLength(0)
    await world.sql`update jobsctl_policy_rules set held_until = now()`
    expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done', affected: 1, problem: null })
  }, 150_000)

  it('go on at a server that finds the run of a dead one, with the operation that it has begun', async () => {
    await ended(40, 50, 60)
    await applyRules(world, [pruning({ max: 1 })])
    await makeDue(world.sql, 'finished')
    const { operation_id } = await endOfRun(world, 'finished')
    // As it was when the server died between the begin of the operation and its note.
    await world.sql`
      update jobsctl_policy_rules
      set state = 'running', operation_id = null, matched = null, affected = 0, ended_at = null, held_until = now()`
    expect(await endOfRun(world, 'finished')).toMatchObject({ operation_id, matched: 3, affected: 1, left: 2 })
    expect(await world.count()).toBe(2)
    expect(await records()).toHaveLength(1)
  })
})
