import { hostname } from 'node:os'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { revokeToken } from '../../../server/auth/revoke-tokens.ts'
import { suspendToken } from '../../../server/auth/tokens.ts'
import { idOf, makeToken } from '../../support/access/tokens.ts'
import { clearAll, recordOf, retry } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../support/changes/detached.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the record of a change that goes on without its caller on %s', (kind) => {
  let world: World
  let token: string
  const asOperator = () => ({ authorization: `Bearer ${token}`, 'x-api-key': '' })
  beforeAll(async () => {
    const opened = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    const call: World['call'] = (method, path, body, headers) =>
      opened.call(method, path, body, { ...asOperator(), ...headers })
    const confirm: World['confirm'] = (path, body, headers) =>
      opened.confirm(path, body, { ...asOperator(), ...headers })
    world = { ...opened, call, confirm }
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    token = await makeToken(world.sql, 'operator')
  })

  /** A change that runs slowly, once it has changed a job. */
  async function slowChange() {
    await world.jobs(400, retry.wanted)
    const { operation_id: id } = acceptedOf(await detached(world, retry, { rate: 4 }))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    return id
  }

  it('says which server runs it, and nothing once it has ended', async () => {
    const id = await slowChange()
    const { server } = await recordOf(world, id)
    expect(server).toMatch(new RegExp(`^${hostname()}:\\d+$`))
    const shown = await world.jobsctl(['operations', String(id)], {
      env: { JOBSCTL_TOKEN: token, JOBSCTL_API_KEY: '' },
    })
    expect(shown.out).toContain(`server\t${server}\n`)
    await world.call('POST', `/api/v1/jobs/operations/${id}/stop`, {})
    expect(await endOf(world, id)).toMatchObject({ state: 'partial', server: null })
  })

  it.each([
    ['revoked', (id: string) => revokeToken(world.sql, id)],
    ['suspended', (id: string) => suspendToken(world.sql, id, { suspended: true })],
  ])('says that the token of its caller was %s, which stops it at the next batch', async (what, end) => {
    const id = await slowChange()
    const ended = idOf(token)
    token = await makeToken(world.sql, 'another')
    await end(ended)
    expect(await endOf(world, id)).toMatchObject({
      caller: ended,
      state: 'partial',
      error: `the token of its caller (${ended}) was ${what}`,
    })
    expect(await world.sql`select from jobsctl_detached`).toHaveLength(0)
  })

  it('goes on after the term of the token of its caller', async () => {
    const id = await slowChange()
    const [, over = ''] = token.split('_')
    token = await makeToken(world.sql, 'another')
    await world.sql`update jobs_api_tokens set expires_at = now() - interval '1 second' where id = ${over}`
    const { affected } = await recordOf(world, id)
    const further = async () => (await recordOf(world, id)).affected > affected
    await until('more jobs were changed', further)
    await world.call('POST', `/api/v1/jobs/operations/${id}/stop`, {})
    await endOf(world, id)
  })
})
