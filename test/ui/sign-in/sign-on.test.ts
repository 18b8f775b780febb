import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { singleSignOnId } from '../../../server/auth/single-sign-on-id.ts'
import { violations } from '../../support/browser/axe.ts'
import { visit } from '../../support/browser/browser.ts'
import { newFolder } from '../../support/database/database.ts'
import { startPathProxy } from '../../support/fakes/path-proxy.ts'
import { client, newKey, startProvider } from '../../support/sign-on/provider.ts'
import { openWorld, type World } from '../../support/world.ts'

/** The pages of the provider ask for a font here. */
const fonts = 'https://fonts.googleapis.com'

const roles = JSON.stringify([{ claim: 'groups', value: 'ops', role: 'operator' }])

/** Fills in the forms of the provider: the login, and the consent. */
async function logInAs(page: Page, name: string): Promise<void> {
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill('any')
  await page.keyboard.press('Enter')
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' })
  await page.locator('button[type=submit]').click()
}

describe.skipIf(!hasBrowser)('a login by single sign-on in the browser (needs chromium)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  it.each([
    ['at the root', ''],
    ['below a base path', '/jobs'],
  ])('%s: the link, the provider, a page, and the log out', async (_where, base) => {
    let world: World | undefined
    const proxy = await startPathProxy(() => world?.url ?? '')
    const root = `${proxy.origin}${base}`
    const provider = await startProvider({
      keys: [await newKey('k')],
      groups: ['ops'],
      redirectUris: [`${root}/api/v1/session/callback`],
    })
    const file = join(await newFolder('sign-on'), 'client-secret')
    const ofProvider = [provider.issuer, fonts].map((url) => `a request to ${new URL(url).origin}`)
    await writeFile(file, `${client.secret}\n`, { mode: 0o600 })
    world = await openWorld('postgres', {
      ...{ AUTH_MODE: 'multi_user', JOBS_PUBLIC_URL: root, JOBS_OIDC_ISSUER: provider.issuer },
      ...{ JOBS_OIDC_CLIENT_ID: client.id, JOBS_OIDC_CLIENT_SECRET_FILE: file, JOBS_OIDC_ROLES: roles },
    })
    await world.jobs(3, { status: 'failed' })
    const { page, context, go, faults, close } = await visit(browser, world, { root, expected: /ERR_/ })
    await page.route(/^https:/, (route) => route.abort())
    await go('/jobs?status=failed')
    expect(await violations(page)).toEqual([])
    await page.getByRole('link', { name: 'Log in by single sign-on' }).click()
    await logInAs(page, 'ann')
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
    await expect.poll(() => page.url()).toBe(`${root}/ui/jobs?status=failed`)
    expect(faults).toContain(ofProvider[0])
    expect(faults.filter((fault) => !ofProvider.includes(fault))).toEqual([])
    // From here on the browser has nothing to ask the provider either.
    faults.length = 0

    await go('/')
    await page.getByText(/^Live/).waitFor()
    await go('/jobs?status=failed')
    await expect.poll(() => page.getByRole('row').count()).toBe(4)
    await page.getByRole('row').nth(1).getByRole('link').first().click()
    await page.getByRole('heading', { name: /^Job / }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(new RegExp(`^${base}/ui/jobs/\\d+$`))
    const [session, ...others] = await context.cookies(root)
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    expect(others).toEqual([])
    const caller = singleSignOnId(provider.issuer, 'ann')
    const records = await world.sql`select kind from job_operations where caller = ${caller} order by id`
    expect([...records]).toEqual([{ kind: 'session.opened' }])

    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Key or token').waitFor()
    expect(await context.cookies(root)).toEqual([])
    await page.reload()
    await page.getByRole('link', { name: 'Log in by single sign-on' }).waitFor()
    expect(faults).toEqual([])
    await close()
    await world.stop()
    await provider.stop()
    proxy.stop()
  })
})
