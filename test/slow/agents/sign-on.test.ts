import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { singleSignOnId } from '../../../server/auth/single-sign-on-id.ts'
import { makeAgent } from '../../support/access/agents.ts'
import { type Browser, openBrowser } from '../../support/access/browser.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { planOf, planPath } from '../../support/changes/plans.ts'
import { newFolder } from '../../support/database/database.ts'
import { logInAt } from '../../support/sign-on/person.ts'
import { audience, client, newKey, signed, startProvider, type TestProvider } from '../../support/sign-on/provider.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const host = 'ops.example'
const root = `https://${host}`
const callback = `${root}/api/v1/session/callback`
const roles = JSON.stringify([{ claim: 'groups', value: 'ops', role: 'admin' }])
const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }

let world: World
let provider: TestProvider
let key: Awaited<ReturnType<typeof newKey>>
beforeAll(async () => {
  key = await newKey('k')
  provider = await startProvider({ keys: [key], groups: ['ops'], redirectUris: [callback] })
  const file = join(await newFolder('sign-on'), 'client-secret')
  await writeFile(file, `${client.secret}\n`, { mode: 0o600 })
  world = await openWorld('postgres', {
    ...{ AUTH_MODE: 'multi_user', JOBS_PUBLIC_URL: root, JOBS_OIDC_ISSUER: provider.issuer },
    ...{ JOBS_OIDC_CLIENT_ID: client.id, JOBS_OIDC_CLIENT_SECRET_FILE: file, JOBS_OIDC_ROLES: roles },
    JOBS_OIDC_AUDIENCE: audience,
  })
  await setAgents(world.sql, true)
})
afterAll(async () => {
  await world?.stop()
  await provider?.stop()
})

const idOf = (name: string) => singleSignOnId(provider.issuer, name)

/** A browser in which somebody has logged in at the provider. */
async function logIn(name: string): Promise<Browser> {
  const browser = openBrowser(world.url)
  const begun = await browser.call('GET', '/api/v1/session/sign-on', undefined, { host })
  const back = await logInAt(begun.headers.location ?? '', { name, returnsTo: callback })
  const ended = await browser.call('GET', back.replace(root, ''), undefined, { host, 'sec-fetch-site': 'cross-site' })
  expect(ended.status).toBe(200)
  // The answer forgets the login that was begun, too: the session is its first cookie.
  browser.cookie = String(ended.headers['set-cookie']).split(';')[0] ?? ''
  return browser
}

const propose = async (as: Headers, domain: string) => {
  await world.jobs(2, { ...old, domain })
  const request = { path: paths.prune, request: { domain } }
  const { body } = await world.post(planPath, request, { ...as, 'x-reason': 'why' })
  const { id } = z.object({ id: z.number() }).parse(body)
  return planOf(
    await world.call('GET', `${planPath}/${id}`, undefined, bearer(await makeToken(world.sql, 'x', 'admin'))),
  )
}
const decideIn = (browser: Browser, { id, digest }: { id: number; digest: string }, what: string) =>
  browser.call('POST', `${planPath}/${id}/${what}`, { digest }, { host })

it('a session of single sign-on applies the plan of its agent for 15 minutes after the login, and no token of a program does', async () => {
  const ann = await logIn('ann')
  const mender = await makeAgent(world.sql, idOf('ann'))
  const plan = await propose(mender, 'a')
  expect(plan.agent).toMatchObject({ of: idOf('ann') })
  // What a program sends is a token of single sign-on, also where it is of a person.
  for (const [what, sub] of [
    ['apply', 'ann'],
    ['approve', 'ben'],
  ]) {
    const program = bearer(await signed({ key, claims: { iss: provider.issuer, sub } }))
    const answer = await world.confirm(`${planPath}/${plan.id}/${what}`, { digest: plan.digest }, program)
    expect(answer, what).toMatchObject({ status: 403, body: { code: 'decide_elsewhere' } })
  }
  const opened = (ago: string) =>
    world.sql`update jobsctl_sessions set opened_at = now() - ${ago}::interval where caller = ${idOf('ann')}`
  await opened('15 minutes')
  expect(await decideIn(ann, plan, 'apply')).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
  expect(await world.count()).toBe(2)
  await opened('14 minutes')
  expect(await decideIn(ann, plan, 'apply')).toMatchObject({ status: 200, body: { deleted: 2 } })
})

it('above the number somebody else of single sign-on approves, and nobody their own', async () => {
  const [ann, ben] = [await logIn('ann'), await logIn('ben')]
  const boss = bearer(await makeToken(world.sql, 'boss', 'admin'))
  expect((await world.post('/api/v1/jobs/approval', { above: 1 }, boss)).status).toBe(200)
  const plan = await propose(await makeAgent(world.sql, idOf('ann')), 'b')
  expect(await decideIn(ann, plan, 'apply')).toMatchObject({ status: 403, body: { code: 'approval_required' } })
  expect(await decideIn(ann, plan, 'approve')).toMatchObject({ status: 403 })
  expect(await decideIn(ben, plan, 'approve')).toMatchObject({ status: 200 })
  expect(await decideIn(ann, plan, 'apply')).toMatchObject({ status: 200, body: { deleted: 2 } })
  const [record] = await world.sql<{ caller: string; filters: object }[]>`
    select caller, filters from job_operations where kind = 'prune' order by id desc limit 1`
  expect(record).toMatchObject({ caller: idOf('ann'), filters: { proposal: { plan: plan.id } } })
})

it('an agent whose person is a caller of single sign-on ends with the block of that person', async () => {
  await logIn('cleo')
  const mender = await makeAgent(world.sql, idOf('cleo'))
  const status = async () => (await world.call('GET', '/api/v1/caller', undefined, mender)).status
  expect(await status()).toBe(200)
  await world.sql`update jobsctl_callers set blocked_at = now() where id = ${idOf('cleo')}`
  expect(await status()).toBe(401)
})
