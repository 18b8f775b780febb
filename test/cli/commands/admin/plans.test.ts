import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createToken } from '../../../../server/auth/tokens.ts'
import { bearer } from '../../../support/access/tokens.ts'
import { makePeople, type People, planOf, planPath } from '../../../support/changes/plans.ts'
import { kinds, newFolder } from '../../../support/database/database.ts'
import { runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const prune = ['prune', '--domain', 'a', '--older-than', '30d']

describe.each(kinds)('plans of jobsctl on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    people = await makePeople(world.sql)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    await world.jobs(3, { ...old, domain: 'a' })
  })

  const as = (who: keyof People, argv: string[]) =>
    world.jobsctl(argv, {
      env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: people[who].authorization?.replace('Bearer ', '') },
    })
  const propose = async (...more: string[]) => {
    const { out } = await as('ann', [...prune, '--propose', '--reason', 'the disk is full', ...more])
    return /^Plan (\d+): would delete 3 jobs in a\. It waits for /.exec(out)?.[1] ?? `none: ${out}`
  }

  /** The words of the command of a verb that a run printed. */
  const printed = ({ out, err }: { out: string; err: string }, verb: string) =>
    new RegExp(`jobsctl (${verb} [^;\\n]*)`).exec(out + err)?.[1]?.split(' ') ?? ['none', out, err]

  it('print the next command so that the person it is for can run it as it is', async () => {
    const planned = await as('ann', [...prune, '--propose', '--reason', 'the disk is full'])
    const early = await as('ann', ['apply', /\d+/.exec(planned.out)?.[0] ?? '', '--yes'])
    expect(printed(early, 'approve')).toEqual(printed(planned, 'approve'))
    const approved = await as('ben', printed(planned, 'approve'))
    expect(approved).toMatchObject({ code: 0 })
    expect(await as('ann', printed(approved, 'apply'))).toMatchObject({ code: 0 })
    expect(await world.count()).toBe(0)
  })

  it('of a policy beyond --max name the commands that apply them all the same, or take them back', async () => {
    const file = join(await newFolder('policy'), 'policy.yaml')
    const rule = `domain: a\n    prune: { status: [completed], older_than: 30d }`
    await writeFile(file, `at: 15 3 * * *\nmax: 100\nrules:\n  ended:\n    ${rule}\n`)
    const { out } = await as('boss', ['policy', 'apply', file, '--propose', '--reason', 'retention'])
    const id = /^Plan (\d+)/.exec(out)?.[1] ?? `none: ${out}`
    const refused = await as('boss', ['apply', id, '--yes', '--max', '2'])
    expect(refused).toMatchObject({
      ...{ code: 8, out: '' },
      err: expect.stringContaining(
        `hint: to apply it all the same: jobsctl apply ${id} --max 3; to take it back: jobsctl reject ${id}\n`,
      ),
    })
    expect(refused.err).not.toContain('narrow the scope')
    expect(await as('boss', [...printed(refused, 'apply'), '--dry-run'])).toMatchObject({ code: 0 })
    expect(await as('boss', printed(refused, 'reject'))).toMatchObject({ code: 0 })
    expect(await as('boss', ['apply', id, '--yes'])).toMatchObject({ code: 6 })
  })

  it('are made, shown, approved and applied by their number', async () => {
    const id = await propose()
    expect(id).toMatch(/^\d+$/)
    expect(await world.count()).toBe(3)
    expect((await as('zoe', ['plans', '-o', 'table'])).out).toMatch(
      new RegExp(`^${id} +waiting +prune +a +3 +ann +in `, 'm'),
    )
    expect((await as('zoe', ['plans', 'show', id, '--json'])).out).toContain('"still_matching":3')
    const [plan] = JSON.parse((await as('zoe', ['plans', '--json'])).out)
    const full = await fakeServer(() => ({ body: Array(1000).fill(plan) }))
    expect(await runAt(full, ['plans', '--tsv'])).toMatchObject({
      code: 0,
      err: 'note: the newest 1,000 plans; there may be older ones: narrow the list by --state\n',
    })
    expect(await as('ann', ['apply', id, '--yes'])).toMatchObject({
      code: 3,
      err: expect.stringContaining(`approve ${id}`),
    })
    expect(await as('zoe', ['approve', id])).toMatchObject({ code: 4, err: expect.stringContaining('--approver') })
    const approved = await as('ben', ['approve', id])
    expect(approved).toMatchObject({ code: 0, out: `Approved plan ${id}.   To apply it:  jobsctl apply ${id} --yes\n` })
    expect(approved.err).toContain(`plan ${id} of ann: prune of 3 jobs in a ("the disk is full")`)
    expect(await as('ann', ['apply', id, '--dry-run'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('3 jobs'),
    })
    expect(await as('ann', ['apply', id])).toMatchObject({ code: 3, err: expect.stringContaining('without --yes') })
    expect(await as('ann', ['apply', id, '--yes', '--max', '2'])).toMatchObject({ code: 8 })
    expect(await world.count()).toBe(3)
    const applied = await as('ann', ['apply', id, '--yes'])
    expect(applied).toMatchObject({ code: 0, out: expect.stringContaining(`applied plan ${id} (prune) to 3 jobs`) })
    expect(await world.count()).toBe(0)
    expect(await as('ann', ['apply', id, '--yes'])).toMatchObject({ code: 6 })
    expect(await as('ann', ['plans', 'show', '999999'])).toMatchObject({ code: 5 })
  })

  it('say of jobs that a hold keeps since the preview that they are held, and not that they changed', async () => {
    const id = await propose()
    const path = join(await newFolder('plan'), 'plan.json')
    expect(await as('boss', [...prune, '--dry-run', '--plan-out', path])).toMatchObject({ code: 0 })
    expect(await as('ben', ['approve', id])).toMatchObject({ code: 0 })
    const [held] = await world.sql<{ id: string }[]>`select id::text from jobs where domain = 'a' order by id limit 1`
    const hold = ['hold', 'add', held?.id ?? '', '--until', '1d', '--reason', 'case 7']
    expect(await as('boss', hold)).toMatchObject({ code: 0 })
    expect(await as('boss', ['apply', path, '--dry-run'])).toMatchObject({
      ...{ code: 0, out: 'would delete 2 jobs in a\n' },
      err: 'note: 1 job of the plan stays, since a hold keeps it\n',
    })
    const applied = await as('ann', ['apply', id, '--yes', '--json'])
    expect(JSON.parse(applied.out)).toMatchObject({ affected: 2, skipped: 1, kept_by_hold: 1 })
    expect(applied.err).toContain('note: 1 job stays, since a hold keeps it\n')
    expect(applied.err).not.toContain('changed since the preview')
    expect((await as('boss', ['apply', path, '--yes'])).err).toContain('note: 2 of the 3 previewed jobs had changed')
    await world.sql`delete from jobsctl_holds`
  })

  it('count the jobs that changed among those of the plan', async () => {
    const id = await propose()
    expect(await as('ben', ['approve', id])).toMatchObject({ code: 0 })
    await world.sql`update jobs set payload = '{"changed": true}' where id in (select min(id) from jobs where domain = 'a')`
    const { out, err } = await as('ann', ['apply', id, '--yes'])
    expect({ out, err }).toEqual({
      out: `applied plan ${id} (prune) to 2 jobs\n`,
      err: expect.stringContaining('note: 1 of the 3 previewed jobs had changed since the preview'),
    })
  })

  it('hold canary jobs, which decide about the rest when the plan is applied', async () => {
    await world.jobs(5, { domain: 'c', status: 'failed' })
    const planned = await as('ann', ['retry', '--domain', 'c', '--canary', '2', '--propose', '--reason', 'fixed'])
    expect(planned.out).toMatch(/^Plan \d+: would retry 5 jobs in c, 2 of them first\. It waits for /)
    const id = /\d+/.exec(planned.out)?.[0] ?? ''
    expect((await as('ben', ['approve', id])).err).toContain('retry of 5 jobs, 2 of them first in c')
    const finish = (status: string) =>
      world.sql`update jobs set status = ${status}, completed_at = now() where domain = 'c' and status = 'queued'`
    const applied = as('ann', ['apply', id, '--yes', '--canary-wait', '60s'])
    await expect.poll(async () => (await finish('completed')).count, { timeout: 30_000 }).toBe(2)
    expect(await applied).toMatchObject({
      code: 0,
      out: `applied plan ${id} (retry) to 5 jobs
`,
    })
    expect(await world.sql`select from jobs where domain = 'c' and status = 'queued'`).toHaveLength(3)
  })

  it('whose canary jobs are not completed are not applied to the rest', async () => {
    await world.jobs(5, { domain: 'c', status: 'failed' })
    const planned = await as('ann', ['retry', '--domain', 'c', '--canary', '2', '--propose', '--reason', 'r'])
    const id = /\d+/.exec(planned.out)?.[0] ?? ''
    await as('ben', ['approve', id])
    expect(await as('ann', ['apply', id, '--yes', '--detach'])).toMatchObject({ code: 2 })
    const applied = await as('ann', ['apply', id, '--yes', '--canary-wait', '1s'])
    expect(applied).toMatchObject({ code: 9, err: expect.stringContaining('the other 3 jobs were not changed') })
    expect(applied.err).toContain(`to take the approval for them back: jobsctl reject ${id}`)
    expect(await world.sql`select from jobs where domain = 'c' and status = 'failed'`).toHaveLength(3)
    expect(await as('ann', ['apply', id, '--yes'])).toMatchObject({ code: 6 })
    const token = /--rest (\S+);/.exec(applied.err)?.[1] ?? ''
    expect(await as('ann', ['apply', id, '--rest', token])).toMatchObject({ code: 3 })
    expect(await as('ann', ['apply', id, '--rest', token, '--yes', '--max', '2'])).toMatchObject({ code: 8 })
    expect(await as('ann', ['apply', id, '--rest', token, '--yes'])).toMatchObject({
      code: 0,
      out: `applied plan ${id} (retry) to 3 jobs\n`,
    })
    expect(await world.sql`select from jobs where domain = 'c' and status = 'failed'`).toHaveLength(0)
    const whole = await propose()
    expect(await as('ann', ['apply', whole, '--yes', '--canary-wait', '1s'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('has no canary jobs'),
    })
    const waiting = ['retry', '--domain', 'c', '--canary', '2', '--canary-wait', '1s', '--propose', '--reason', 'r']
    expect(await as('ann', waiting)).toMatchObject({ code: 2, err: expect.stringContaining('--canary-wait') })
  })

  it('say the scope of their author, and the jobs outside of it that go along', async () => {
    const [needed, foreign] = [crypto.randomUUID(), crypto.randomUUID()]
    await world.jobs(1, { domain: 'a', status: 'queued', uuid: needed })
    await world.jobs(1, { domain: 'b', status: 'queued', uuid: foreign })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${foreign}, ${needed})`
    const scope = { domains: ['a'], queues: [], job_types: [], cascade: true }
    const grant = { role: 'operator', may_enqueue: false, principal: 'kay', madeBy: 'jobs-server', scope } as const
    const { token } = await createToken(world.sql, { name: 'kay', grant, days: 1 })
    const request = { path: '/api/v1/jobs/batch/cancel', request: { all: true } }
    const { id } = planOf(await world.post(planPath, request, { ...bearer(token), 'x-reason': 'r' }))
    expect((await as('ben', ['approve', String(id)])).err).toContain(
      `plan ${id} of kay: cancel of 1 job, and 1 job outside of the scope of its author along in all domains, within domain a ("r")`,
    )
    expect((await as('zoe', ['plans', '-o', 'table'])).out).toContain('all domains, within domain a')
  })

  it('are rejected, and refuse flags that do not go with them', async () => {
    const id = await propose()
    expect(await as('boss', ['reject', id, '--reason', 'not today'])).toMatchObject({
      code: 0,
      out: `Rejected plan ${id}.\n`,
    })
    for (const argv of [
      [...prune, '--propose'],
      [...prune, '--propose', '--reason', 'r', '--yes'],
      [...prune, '--propose', '--reason', 'r', '--dry-run'],
      [...prune, '--propose', '--reason', 'r', '--detach'],
      [...prune, '--emergency', '--yes'],
      ['list', '--propose'],
      ['plans', 'shwo', id],
      ['plans', 'show'],
      ['plans', 'above', 'many'],
      ['approve', 'x'],
      ['approve', '1', '2'],
    ])
      expect([argv, await as('ann', argv)]).toMatchObject([argv, { code: 2, out: '' }])
    expect(await world.count()).toBe(3)
  })

  it('are imported from a file, where no more jobs match by now', async () => {
    const path = join(await newFolder('plan'), 'plan.json')
    await as('ann', [...prune, '--dry-run', '--plan-out', path])
    const imported = await as('ann', ['plans', 'import', path, '--reason', 'as agreed'])
    expect(imported).toMatchObject({ code: 0, out: expect.stringContaining('would delete 3 jobs in a. It waits') })
    await world.jobs(1, { ...old, domain: 'a' })
    const more = await as('ann', ['plans', 'import', path, '--reason', 'as agreed'])
    expect(more).toMatchObject({ code: 6, err: expect.stringContaining('4 jobs match by now, and the plan counted 3') })
    await writeFile(path, (await readFile(path, 'utf8')).replace('jobsctl_plan', 'plan'))
    expect(await as('ann', ['plans', 'import', path, '--reason', 'r'])).toMatchObject({ code: 2 })
  })

  it('are named where a change needs an approval, which an emergency goes past until somebody reviews it', async () => {
    const set = await as('boss', ['plans', 'above', '2'])
    expect(set.out).toBe(
      'From now on a change of more than 2 jobs needs an approval.   Undo:  jobsctl plans above off\n',
    )
    expect(await as('boss', ['plans', 'above', 'edit', '1'])).toMatchObject({
      code: 0,
      out: 'From now on an edit of more than 1 job needs an approval.   Undo:  jobsctl plans above edit off\n',
    })
    expect(await as('boss', ['plans', 'above', 'edit', 'off'])).toMatchObject({ code: 0 })
    const refused = await as('ann', [...prune, '--yes'])
    expect(refused).toMatchObject({ code: 3, out: '' })
    expect(refused.err).toContain(
      'to plan it for another principal: jobsctl prune --domain a --older-than 30d --propose --reason <why>',
    )
    await world.sql`update jobs set owner_user_id = 'alice'`
    const erasure = await as('boss', ['erase', '--owner', 'alice', '--yes'])
    expect(erasure).toMatchObject({ code: 3, err: expect.stringContaining('an erasure has no plan') })
    expect(erasure.err).not.toContain('--propose')
    expect((await as('ann', ['doctor', '--json'])).out).toContain('a change of more than 2 jobs needs an approval')
    const emergency = [...prune, '--yes', '--emergency', '--reason', 'the disk is full']
    expect(await as('ann', emergency)).toMatchObject({ code: 4, err: expect.stringContaining('--may-break-glass') })
    expect(await world.count()).toBe(3)
    expect(await as('glass', emergency)).toMatchObject({ code: 0 })
    const shown = await as('zoe', ['plans', 'approval'])
    const operation = /operation (\d+) of ann went past an approval: jobsctl plans review \1/.exec(shown.out)?.[1] ?? ''
    expect(await as('ben', ['plans', 'review', operation])).toMatchObject({
      code: 0,
      out: `Reviewed operation ${operation}.\n`,
    })
    expect((await as('zoe', ['plans', 'approval'])).out).toBe('a change of more than 2 jobs needs an approval\n')
    const back = await as('boss', ['plans', 'above', 'off'])
    expect(back.out).toBe('From now on no change needs an approval.   Undo:  jobsctl plans above 2\n')
  })
})
