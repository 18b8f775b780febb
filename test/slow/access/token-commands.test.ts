import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { setRole } from '../../../server/auth/set-grant.ts'
import { OperationRecord } from '../../../shared/records/records.ts'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('commands of jobs-server on the database', () => {
  let world: World
  let auditor: Record<string, string>
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    auditor = bearer(await makeToken(world.sql, 'audit', 'auditor'))
  })
  afterAll(() => world?.stop())

  const statusesWith = (...tokens: string[]) =>
    Promise.all(
      tokens.map(async (token) => (await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(token))).status),
    )
  /** The acts on record, the oldest first. */
  const acts = async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/operations?limit=1000', undefined, auditor)
    return z.array(OperationRecord).parse(body).reverse()
  }
  const verify = async () => (await world.call('GET', '/api/v1/jobs/operations/verify', undefined, auditor)).body

  it('tell the scope of a token, and set it', async () => {
    const run = (...argv: string[]) => runServer(['token', ...argv], world.env)
    const made = await run(
      'create',
      'books',
      '--role',
      'operator',
      '--domain',
      'a',
      '--domain',
      'b',
      '--queue',
      'c/d/e',
      '--job-type',
      't',
    )
    expect(made).toMatchObject({ code: 0, err: '' })
    const id = idOf(made.out)
    expect((await run('show', id)).out).toContain('limited to\tdomains a, b, queue c/d/e, job type t\n')
    expect((await run('list')).out).toMatch(new RegExp(`^${id}\t.*\tdomains a, b, queue c/d/e, job type t\t`, 'm'))
    expect(await run('set-scope', id, '--domain', 'a', '--cascade')).toMatchObject({
      code: 0,
      out: `${id} is limited to domain a, and may end dependents outside\n`,
    })
    expect(await run('set-scope', id, '--all')).toMatchObject({ code: 0, out: `${id} is not limited\n` })
    for (const wrong of [
      ['set-scope', id],
      ['set-scope', id, '--all', '--domain', 'a'],
      ['set-scope', id, '--queue', 'a'],
      ['set-scope', id, '--queue', '/a'],
      ['set-scope', id, '--domain', ''],
      ['set-scope', id, '--cascade'],
      ['create', 'x', '--domain', 'a'],
      ['create', 'x', '--role', 'admin', '--domain', 'a'],
    ])
      expect({ wrong, ...(await run(...wrong)) }).toMatchObject({ wrong, code: 2, out: '' })
    expect((await run('show', id)).out).not.toContain('limited')
    await setRole(world.sql, id, { role: 'viewer', may_enqueue: false })
  })

  it('print the new secret of a rotated token alone', async () => {
    const old = await makeToken(world.sql, 'local', 'viewer')
    const run = (...argv: string[]) => runServer(['token', 'rotate', idOf(old), ...argv], world.env)
    const made = await run('--overlap', '7d')
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^jobs_\w{12}_[\w-]{43}\n$/), err: '' })
    expect(await statusesWith(old, made.out.trim())).toEqual([200, 200])
    expect((await runServer(['token', 'show', idOf(old)], world.env)).out).toMatch(/old secret\tuntil \d{4}-/)
    for (const overlap of ['8d', '-1', '1', '1w', '', '604801s', '00']) {
      expect(await run('--overlap', overlap)).toMatchObject({ code: 2, out: '' })
    }
    expect(await statusesWith(made.out.trim())).toEqual([200])
    expect(await runServer(['token', 'rotate', 'ffffffffffff'], world.env)).toMatchObject({ code: 5, out: '' })
  })

  it('leave a record with user and host, and no address; a token can be revoked in a freeze', async () => {
    const token = await makeToken(world.sql, 'leaked')
    const before = (await acts()).length
    for (const argv of [
      ['freeze', '--reason', 'an investigation'],
      ['freeze', '--reason', 'again'],
      ['token', 'revoke', idOf(token)],
      ['thaw'],
      ['thaw'],
    ])
      await runServer(argv, world.env)
    const made = (await acts()).slice(before)
    expect(made.map((act) => [act.kind, act.reason])).toEqual([
      ['database.frozen', 'an investigation'],
      ['token.revoked', null],
      ['database.thawed', null],
    ])
    for (const { caller, filters } of made) {
      expect(caller).toMatch(/^\S+@\S+$/)
      expect(filters).not.toHaveProperty('address')
    }
    expect(await verify()).toMatchObject({ ok: true })
  })
})
