import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, idOf, makeToken } from '../../../support/access/tokens.ts'
import { kinds } from '../../../support/database/database.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { otherServer } from '../../../support/fakes/other-server.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { wordsOf } from '../../../support/programs/shell.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('jobsctl token on %s', (kind) => {
  let world: World
  let admin: string
  let auditor: string
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = await makeToken(world.sql, 'boss', 'admin')
    auditor = await makeToken(world.sql, 'audit', 'auditor')
  })
  afterAll(() => world?.stop())

  const as = (secret: string, argv: string[]) =>
    world.jobsctl(argv, { env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: secret } })
  const token = (...argv: string[]) => as(admin, ['token', ...argv])
  const statsWith = async (secret: string) =>
    (await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(secret))).status
  const count = async () => (await world.sql`select from jobs_api_tokens`).length

  it('prints a new token alone on stdout, and its secret nowhere else', async () => {
    const made = await token('create', 'ci', '--role', 'viewer', '--expires', '7d', '--debug')
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^jobs_[0-9a-f]{12}_[\w-]{43}\n$/) })
    const secret = made.out.trim()
    expect(made.err).toMatch(
      new RegExp(`^Made token ${idOf(secret)}: ci, viewer, expires in (7d|6d 23h). It is shown`, 'm'),
    )
    expect(await statsWith(secret)).toBe(200)
    const [listed, shown, json] = [
      await as(auditor, ['token', 'list']),
      await as(auditor, ['token', 'show', idOf(secret), '-o', 'table']),
      await as(auditor, ['token', 'list', '--json']),
    ]
    expect(listed.out.split('\n')).toContainEqual(
      expect.stringMatching(
        new RegExp(`^${idOf(secret)}\tci\t[^\t]+\t[^\t]+\t[^\t]+\t\tviewer\tboss\t${idOf(admin)}\t\t`),
      ),
    )
    expect(shown.out).toMatch(/^role +viewer$/m)
    expect(shown.out).toMatch(/^may +read jobs/m)
    expect(JSON.parse(json.out)).toContainEqual(expect.objectContaining({ id: idOf(secret), role: 'viewer' }))
    const part = secret.split('_').slice(2).join('_')
    expect(JSON.stringify([made.err, listed, shown, json, world.log])).not.toContain(part)
  })

  it('prints it with --quiet and as JSON, too, since nothing can print it again', async () => {
    const quiet = await token('create', 'q', '--role', 'worker', '--may-enqueue', '--expires', 'never', '-q')
    expect(quiet).toMatchObject({ code: 0, out: expect.stringMatching(/^jobs_\w{12}_[\w-]{43}\n$/), err: '' })
    const json = await token('create', 'j', '--role', 'admin', '--principal', 'ops', '--json', '-q')
    expect(JSON.parse(json.out)).toMatchObject({
      name: 'j',
      role: 'admin',
      principal: 'ops',
      token: expect.any(String),
    })
  })

  it('changes a token at once, and prints the command that changes it back', async () => {
    const secret = (await token('create', 'changing', '--role', 'viewer')).out.trim()
    const id = idOf(secret)
    const undo = async ({ out }: { out: string }) => {
      const [, ...words] = await wordsOf(out.trim().split('Undo:')[1] ?? '')
      return as(admin, words)
    }
    const given = await token('set-role', id, 'worker', '--may-enqueue')
    expect(given.out).toBe(
      `Token ${id} (changing) is worker, may enqueue.   Undo:  jobsctl token set-role ${id} viewer\n`,
    )
    expect(await statsWith(secret)).toBe(403)
    const back = await undo(given)
    expect(back.out).toContain(`Undo:  jobsctl token set-role ${id} worker --may-enqueue\n`)
    expect(await statsWith(secret)).toBe(200)
    const suspended = await token('suspend', id)
    expect(await statsWith(secret)).toBe(401)
    expect((await undo(suspended)).out).toContain(`Resumed token ${id} (changing).`)
    expect(await statsWith(secret)).toBe(200)
    expect(await token('revoke', id)).toEqual({ code: 0, out: `Revoked token ${id} (changing).\n`, err: '' })
    expect(await statsWith(secret)).toBe(401)
    expect((await token('list', '-o', 'table')).out).toMatch(/changing +viewer +boss +revoked /)
  })

  it('rotates a token, and prints the new secret alone on stdout', async () => {
    const old = (await token('create', 'rotated', '--role', 'viewer')).out.trim()
    const id = idOf(old)
    const made = await token('rotate', id, '--overlap', '2d', '--debug')
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(new RegExp(`^jobs_${id}_[\\w-]{43}\n$`)) })
    expect(made.err).toMatch(
      /^Rotated token \w{12} \(rotated\), which expires in .+ The old secret ends in (2d|1d 23h)\. /m,
    )
    const fresh = made.out.trim()
    expect(made.err).not.toContain(fresh.slice(20))
    expect([await statsWith(old), await statsWith(fresh)]).toEqual([200, 200])
    const last = await token('rotate', id, '--overlap', '0')
    expect(last.err).toContain('The old secret has ended.')
    expect([await statsWith(fresh), await statsWith(last.out.trim())]).toEqual([401, 200])
    for (const argv of [
      ['--overlap', '8d'],
      ['--overlap', '-1'],
      ['--overlap', ''],
      ['--role', 'viewer'],
    ]) {
      expect(await token('rotate', id, ...argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--') })
    }
    await token('revoke', id)
    expect(await token('rotate', id)).toMatchObject({
      code: 6,
      out: '',
      err: expect.stringContaining('nothing was changed'),
    })
  })

  it('limits how much the changes of a token touch, tells it, and prints the command that gives the old limits back', async () => {
    const limits = ['--max-per-change', '50', '--max-per-day', '2000']
    const made = await token('create', 'bounded', '--role', 'operator', ...limits)
    expect(made.err).toContain('operator, at most 50 jobs a change, 2,000 jobs a day, expires')
    const id = idOf(made.out.trim())
    const set = await token('set-limits', id, '--max-per-day', 'none')
    expect(set.out).toBe(
      `Token ${id} (bounded) changes at most 50 jobs a change.   Undo:  jobsctl token set-limits ${id} --max-per-change 50 --max-per-day 2000\n`,
    )
    expect((await token('list')).out).toMatch(new RegExp(`^${id}\t.*\t50\t`, 'm'))
    expect((await token('list', '-o', 'table')).out).toMatch(/bounded +operator +boss +at most 50 jobs a change/)
    const [, ...words] = await wordsOf(set.out.trim().split('Undo:')[1] ?? '')
    expect((await as(admin, words)).out).toContain('at most 50 jobs a change, 2,000 jobs a day.')
    const doctor = await as(made.out.trim(), ['doctor', '--json'])
    expect(doctor.out).toContain('2,000 jobs a day, of which 0 jobs were changed in 24 hours')
    for (const argv of [
      ['set-limits', id],
      ['set-limits', id, '--max-per-day', '0'],
      ['set-role', id, 'operator', '--max-per-day', '5'],
      ['suspend', id, '--tree'],
      ['create', 'x', '--role', 'worker', '--max-per-day', '5'],
    ])
      expect(await token(...argv)).toMatchObject({ code: 2, out: '' })
    expect((await token('revoke', id, '--tree')).out).toBe(
      `Revoked token ${id} (bounded), and the tokens that it made or rotated.\n`,
    )
  })

  it('limits a token to a scope, tells it, and prints the command that gives the old one back', async () => {
    const scope = ['--domain', 'a', '--queue', 'b/q', '--job-type', 't']
    const made = await token('create', 'limited', '--role', 'operator', ...scope)
    const id = idOf(made.out)
    expect(made.err).toContain('limited to domain a, queue b/q, job type t')
    expect((await token('list')).out).toMatch(new RegExp(`^${id}\t.*\tdomain a, queue b/q, job type t\t`, 'm'))
    const wider = await token('set-scope', id, '--domain', 'a', '--domain', 'c', '--cascade')
    expect(wider.out).toBe(
      `Token ${id} (limited) is limited to domains a, c, and may end dependents outside.   Undo:  jobsctl token set-scope ${id} --domain a --queue b/q --job-type t\n`,
    )
    expect((await token('set-scope', id, '--all')).out).toContain('is not limited.   Undo:')
    for (const wrong of [[], ['--all', '--domain', 'a'], ['--queue', 'b'], ['--domain', ' '], ['--role', 'viewer']])
      expect(await token('set-scope', id, ...wrong)).toMatchObject({ code: 2, out: '' })
    expect(await token('set-role', id, 'viewer', '--domain', 'a')).toMatchObject({ code: 2, out: '' })
  })

  it('is refused to a caller who may only list, and an unknown id is not found', async () => {
    const before = await count()
    expect(await as(auditor, ['token', 'create', 'x', '--role', 'viewer'])).toMatchObject({ code: 4, out: '' })
    expect(await as(auditor, ['token', 'revoke', idOf(admin)])).toMatchObject({ code: 4, out: '' })
    expect(await count()).toBe(before)
    for (const words of [['show'], ['revoke'], ['suspend'], ['resume']]) {
      expect(await token(...words, 'ffffffffffff')).toMatchObject({ code: 5, out: '' })
    }
    expect(await token('set-role', 'ffffffffffff', 'viewer')).toMatchObject({ code: 5, out: '' })
  })

  it.each([
    [['create'], 'needs a name'],
    [['create', 'x'], 'needs --role'],
    [['create', 'x', '--role', 'boss'], '--role: must be one of viewer'],
    [['create', 'x', '--role', 'viewer', '--may-enqueue'], '--may-enqueue: belongs to the role worker'],
    [['create', 'x', '--role', 'viewer', '--expires', '36h'], '--expires'],
    [['create', 'x', '--role', 'viewer', '--expires', '0d'], '--expires'],
    [['create', ' ', '--role', 'viewer'], '<name>: must not be blank'],
    [['create', 'x', '--role', 'viewer', '--principal', ''], '--principal'],
    [['create', 'x', 'y', '--role', 'viewer'], 'too many words'],
    [['create', 'x', '--role', 'viewer', '--dry-run'], '--dry-run'],
    [['list', 'x'], 'too many words'],
    [['rotate', 'ffffffffffff', '--overlap', '8d'], '--overlap: must be at most 7d'],
    [['list', '--role', 'viewer'], '--role does not go with'],
    [['create', 'x', '--role', 'viewer', '--overlap', '1d'], '--overlap does not go with'],
    [['set-role', 'ffffffffffff'], 'needs a role'],
    [['set-role', 'ffffffffffff', 'boss'], '--role: must be one of'],
    [['set-role', 'ffffffffffff', '--role', 'viewer'], 'takes the role as a word'],
    [['revoke'], 'needs the id of a token'],
    [['revoke', '*'], 'needs the id of a token'],
    [['rename', 'x'], 'must be one of create'],
  ])('refuses %j, and changes nothing', async (argv, why) => {
    const before = await count()
    expect(await token(...argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) })
    expect(await count()).toBe(before)
  })
})

describe('jobsctl token', () => {
  const secret = `jobs_${'a'.repeat(12)}_${'s'.repeat(43)}`

  it('does not repeat a token that was typed in place of its id', async () => {
    const run = await runJobsctl(['token', 'revoke', secret])
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).not.toContain('sss')
  })

  it('prints calls as curl, which send nothing and show no secret', async () => {
    const env = { JOBSCTL_URL: 'http://127.0.0.1:1', JOBSCTL_TOKEN: secret }
    const argvs = [
      ['create', 'ci', '--role', 'worker', '--expires', '7d'],
      ['list'],
      ['set-role', 'a'.repeat(12), 'viewer'],
      ['revoke', 'a'.repeat(12)],
    ]
    for (const argv of argvs) {
      const run = await runJobsctl(['token', ...argv, '--curl'], { env })
      expect(run).toMatchObject({ code: 0, out: expect.stringContaining('$BASE/api/v1/tokens'), err: '' })
      expect(run.out).not.toContain('sss')
    }
  })

  it('says so where the server has no such calls', async () => {
    const server = await otherServer({ prunable: 0, overdue: 0, quarantined: 0, leased: 0, expired: 0 })
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
    const list = await runJobsctl(['token', 'list'], { env })
    expect(list).toMatchObject({ code: 5, err: expect.stringContaining('has no GET /api/v1/tokens\n') })
    const create = await runJobsctl(['token', 'create', 'x', '--role', 'viewer'], { env })
    expect(create).toMatchObject({ code: 5, out: '', err: expect.stringContaining('has no POST /api/v1/tokens\n') })
  })

  it('says that a token may have been made where the answer is not understood, and shows nothing of it', async () => {
    const server = await fakeServer(() => ({ status: 201, body: { token: secret } }))
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
    const run = await runJobsctl(['token', 'create', 'x', '--role', 'viewer', '--debug'], { env })
    expect(run).toMatchObject({ code: 1, out: '', err: expect.stringContaining('the change may have been made') })
    expect(run.err).not.toContain('sss')
  })
})
