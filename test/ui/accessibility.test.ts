import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { looks, sideways, violations } from '../support/browser/axe.ts'
import { visit } from '../support/browser/browser.ts'
import { FocusLook, focusLook } from '../support/browser/focus-look.ts'
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
    '/change/edit?ids=1&next=retry',
    '/queue?domain=chatbooks&queue=default',
    '/clusters',
    '/plans',
    '/operations',
    '/operations/1',
    '/workers',
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

  it('with the colours of the reader alone, what is chosen and what a bar is are told apart', async () => {
    const { page, go, close } = await visit(browser, full, { secret: full.key })
    await page.emulateMedia({ forcedColors: 'active' })
    await go('/history')
    const legend = page.locator('.legend').first().locator('li')
    await legend.first().waitFor()
    const colours = (script: string) => page.evaluate<string[]>(script)
    const groundOf = 'getComputedStyle(element).backgroundColor'
    const chips = await colours(`[...document.querySelectorAll('.toggle')].map((element) => ${groundOf})`)
    expect(new Set(chips).size).toBe(2)
    const marks = await colours(
      `[...document.querySelector('.legend').children].map((li) => getComputedStyle(li, '::before').backgroundColor)`,
    )
    expect(new Set(marks).size).toBe(4)
    await close()
  })

  it.each(['light', 'dark'] as const)(
    '%s: a zero and an example in a field have the colour of other faint texts',
    async (colorScheme) => {
      const { page, go, close } = await visit(browser, full, { secret: full.key, colorScheme })
      await go('/')
      await page.locator('.queues td').getByText('0', { exact: true }).first().waitFor()
      // Axe measures the faint texts. It leaves out single letters, and what a field says while it is empty.
      const looks = await page.evaluate<string[]>(`(() => {
      const look = (element, part) => { const { color, opacity } = getComputedStyle(element, part); return color + ' ' + opacity }
      const zero = [...document.querySelectorAll('.queues td *')].find((element) => element.textContent === '0')
      return [look(document.querySelector('.as-of')), look(zero), look(document.querySelector('.search input'), '::placeholder')]
    })()`)
      expect(new Set(looks).size, looks.join()).toBe(1)
      await close()
    },
  )

  it('the words of a legend stand in a line', async () => {
    const { page, go, close } = await visit(browser, full, { secret: full.key })
    await go('/history')
    const words = page.getByRole('figure', { name: 'Came in' }).locator('.legend li')
    await words.first().waitFor()
    const tops = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.legend')].flatMap((list) => {
        const heights = [...list.children].map((li) => Math.round(li.getBoundingClientRect().height))
        return Math.max(...heights) - Math.min(...heights)
      })`,
    )
    expect(Math.max(...tops)).toBe(0)
    await close()
  })

  it('a page is printed whole, dark on white', async () => {
    const { page, go, close } = await visit(browser, full, { secret: full.key, width: 700 })
    for (const theme of ['system', 'light']) await page.getByRole('button', { name: `Theme: ${theme}` }).click()
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    await go('/jobs?status=failed')
    await page.getByRole('row').nth(1).waitFor()
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(28, 30, 34)')
    expect(await page.getByRole('navigation', { name: 'Screens' }).count()).toBe(0)
    const cut = await page.evaluate(
      `[...document.querySelectorAll('.scroll, .rows td')].filter((box) => box.scrollWidth > box.clientWidth).length`,
    )
    expect(cut).toBe(0)
    // A column that has no room breaks its words into letters.
    const highest = await page.evaluate<number>(
      `Math.max(...[...document.querySelectorAll('.rows tr')].map((row) => row.getBoundingClientRect().height))`,
    )
    expect(highest).toBeLessThan(150)
    const time = page.locator('tbody time').first()
    const printed = await page.evaluate<string>(
      'getComputedStyle(document.querySelector("tbody time"), "::after").content',
    )
    expect(printed).toContain(await time.getAttribute('title'))
    await close()
  })

  it('what has the focus in a list is seen with its ring, both ways', async () => {
    const { page, go, close } = await visit(browser, full, { secret: full.key, width: 1280 })
    await go('/jobs?status=failed')
    await page.getByRole('row').nth(1).waitFor()
    const stops = new Set<string>()
    for (const key of ['Tab', 'Shift+Tab'])
      for (let n = 0; n < 80; n++) {
        await page.keyboard.press(key)
        const { stop, ...told } = FocusLook.parse(await page.evaluate(focusLook))
        if (stop === 'BODY') continue
        stops.add(stop)
        expect([stop, told]).toEqual([stop, { over: null, cutBy: [], ring: 'solid' }])
      }
    expect(stops.size).toBeGreaterThan(30)
    await close()
  })

  it('what had the focus may go away: the content takes it', async () => {
    const { page, go, close } = await visit(browser, full, { secret: full.key })
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.textContent')
    await go('/jobs?domain=chatbooks')
    await page.getByRole('button', { name: /remove this filter/ }).press('Enter')
    await expect.poll(focused).toBe('content')
    await page.getByRole('row').nth(1).getByRole('link').first().press('Enter')
    await page.getByRole('heading', { name: /^Job / }).waitFor()
    await expect.poll(focused).toBe('content')
    const screens = page.getByRole('navigation', { name: 'Screens' })
    await screens.getByRole('link', { name: 'History' }).press('Enter')
    await page.getByRole('heading', { name: 'History', level: 1 }).waitFor()
    await expect.poll(focused).toBe('History')
    await page.reload()
    await page.getByRole('heading', { name: 'History', level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    await go('/queue?domain=chatbooks&queue=default')
    await page.getByRole('button', { name: 'Resume' }).click()
    const back = page.getByRole('button', { name: 'Take it back' })
    await expect.poll(() => back.isEnabled()).toBe(true)
    await back.press('Enter')
    await page.getByText('No job is handed out').first().waitFor()
    await expect.poll(focused).toBe('content')
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
