import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { looks, sideways, violations } from '../support/axe.ts'
import { visit } from '../support/browser.ts'
import { openWorld, type World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('accessibility (needs chromium)', () => {
  let full: World
  let empty: World
  let browser: Browser
  beforeAll(async () => {
    ;[full, empty] = await Promise.all([openWorld('postgres'), openWorld('postgres')])
    await full.jobs(60, { status: 'failed' })
    await full.jobs(20, { status: 'queued' })
    await full.jobs(2, { status: 'quarantined' })
    await full.confirm('/api/v1/jobs/batch/requeue_quarantined', { domain: 'chatbooks' })
    await full.confirm('/api/v1/jobs/queue/control', {
      domain: 'chatbooks',
      queue: 'default',
      action: 'pause',
      reason: 'why',
    })
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all([full?.stop(), empty?.stop()])
  })

  const screens = [
    '/',
    '/jobs',
    '/jobs?status=failed',
    '/jobs/1',
    '/change/retry?status=failed',
    '/queue?domain=chatbooks&queue=default',
    '/clusters',
    '/plans',
    '/operations',
    '/operations/1',
    '/history',
    '/events',
    '/events?after=0&limit=1',
  ]

  it.each(looks)('%i px wide, %s: nothing to find, no sideways scrolling', async (width, colorScheme) => {
    for (const [name, world] of [
      ['full', full],
      ['empty', empty],
    ] as const) {
      const expected = /404/
      const { page, go, close } = await visit(browser, world, { secret: world.key, width, colorScheme, expected })
      for (const screen of screens) {
        await go(screen)
        await page.waitForLoadState('networkidle').catch(() => {})
        expect([name, screen, await violations(page)]).toEqual([name, screen, []])
        expect([name, screen, await sideways(page)]).toEqual([name, screen, 0])
      }
      await close()
    }
    const { page, go, close } = await visit(browser, full, { width, colorScheme })
    await go('/')
    expect(await violations(page)).toEqual([])
    await close()
  })

  it('the way out is reached in a low window', async () => {
    const { page, close } = await visit(browser, full, { secret: full.key, width: 1000 })
    await page.setViewportSize({ width: 1000, height: 260 })
    const leave = page.getByRole('button', { name: 'Log out' })
    await leave.scrollIntoViewIfNeeded()
    const box = await leave.boundingBox()
    expect((box?.y ?? Number.NaN) + (box?.height ?? Number.NaN)).toBeLessThanOrEqual(260)
    await close()
  })

  it('a preview with its confirmation', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, go, close } = await visit(browser, full, { secret: full.key, colorScheme })
      await go('/change/cancel?domain=chatbooks')
      await page.getByRole('button', { name: 'Preview', exact: true }).click()
      await page.getByRole('region', { name: 'Preview' }).waitFor()
      expect(await violations(page)).toEqual([])
      await close()
    }
  })
})
