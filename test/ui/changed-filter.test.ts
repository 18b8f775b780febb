import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('what a screen had before its filter was changed (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world } = opened)
    visited = await visit(opened.browser, world, { secret: world.key, expected: /422/ })
    page = visited.page
    await world.jobs(60, { status: 'failed', domain: 'media' })
    await world.confirm('/api/v1/jobs/retry-now', { domain: 'media', limit: 2 })
  })
  afterAll(() => opened?.stop())

  it.each([
    ['/jobs?status=failed', 'Jobs', 'cluster:v1-zz'],
    ['/clusters', 'Failures', 'since:whenever'],
    ['/operations', 'Operations', 'state:odd'],
  ])('%s: is not shown below a filter that is refused', async (screen, heading, typed) => {
    await visited.go(screen)
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
    const rows = page.locator('tbody tr, .cluster')
    await expect.poll(() => rows.count()).toBeGreaterThan(0)
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.fill(typed)
    await box.press('Escape')
    await box.press('Enter')
    await page.getByRole('alert').first().waitFor()
    expect([await rows.count(), await page.getByText(/^(at least )?[\d,]+ jobs match$/).count()]).toEqual([0, 0])
  })

  it('has no number, no next page and no file below a filter that is awaited', async () => {
    await visited.go('/jobs?status=failed')
    const matching = page.getByText(/^(at least )?[\d,]+ jobs match$/)
    await matching.waitFor()
    const held: Route[] = []
    await page.route('**/api/v1/jobs/list*', (route) => void held.push(route))
    await page.getByRole('button', { name: 'failed', exact: true }).click()
    await expect.poll(() => held.length).toBe(1)
    expect(await matching.count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Next page' }).isEnabled()).toBe(false)
    expect(await page.getByRole('button', { name: 'CSV' }).count()).toBe(0)
    await page.unroute('**/api/v1/jobs/list*')
    await Promise.all(held.map((route) => route.continue().catch(() => undefined)))
    await matching.waitFor()
  })
})
