import type { Browser, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { makeScoped } from '../../support/access/tokens.ts'
import { visit } from '../../support/browser/browser.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.skipIf(!hasBrowser)('two people at one browser (needs chromium)', () => {
  let world: World
  let browser: Browser
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    browser = await startBrowser()
    for (const domain of ['mail-ann', 'mail-ben'])
      await world.jobs(3, { status: 'queued', domain, queue: `${domain}-queue` })
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })

  it('the page of one that becomes the page of another shows nothing of the first', async () => {
    const [ann, ben] = [
      await makeScoped(world.sql, 'operator', { domains: ['mail-ann'] }),
      await makeScoped(world.sql, 'operator', { domains: ['mail-ben'] }),
    ]
    const { page, context, close } = await visit(browser, world, { secret: ann, expected: /401|ERR_/ })
    const box = page.getByRole('combobox', { name: 'Filter' })
    const other = await context.newPage()
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await box.pressSequentially('domain:m')
    await page.getByRole('option', { name: 'domain:mail-ann' }).waitFor()
    await page.getByRole('link', { name: 'Overview', exact: true }).click()
    await page.getByText('mail-ann-queue').first().waitFor()
    const held: Route[] = []
    await page.route('**/api/v1/jobs/overview*', (route) => void held.push(route))
    // The session of the first has ended, and this page has asked nothing since.
    await context.clearCookies()
    await other.goto(`${world.url}/ui/jobs`)
    await other.getByLabel('Key or token').fill(ben)
    await other.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('domain mail-ben only').waitFor()
    expect(await page.getByText('mail-ann-queue').count()).toBe(0)
    await page.unroute('**/api/v1/jobs/overview*')
    await Promise.all(held.map((route) => route.abort().catch(() => undefined)))
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await box.pressSequentially('domain:m')
    await page.getByRole('option', { name: 'domain:mail-ben' }).waitFor()
    expect(await page.getByRole('option', { name: 'domain:mail-ann' }).count()).toBe(0)
    await close()
  })
})
