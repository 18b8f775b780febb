import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { looks, sideways, violations } from '../support/browser/axe.ts'
import { type Visit, visit } from '../support/browser/browser.ts'
import { type IncidentWorld, incident, incidentKinds, openIncident } from '../support/observe/incident.ts'

/** Somebody who has never seen the dashboard names what fails, why, since when, and who deployed. */
describe.skipIf(!hasBrowser).each(incidentKinds)('thirty seconds with an incident of %s (needs chromium)', (kind) => {
  let world: IncidentWorld
  let browser: Browser
  let visited: Visit | undefined
  beforeAll(async () => {
    world = await openIncident(kind)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })

  /** What somebody sees without scrolling. */
  const seenOn = (part: string): string => `[...document.querySelectorAll('${part}')]
    .filter((element) => {
      const { top, bottom, height } = element.getBoundingClientRect()
      return height > 0 && top >= 0 && bottom <= innerHeight
    })
    .map((element) => element.innerText.replaceAll(/\\s+/g, ' '))
    .join(' | ')`

  it.each([
    [1440, '.sentence'],
    [390, '.night p, .night h2'],
  ])('at %i px the four facts are seen on the first screen, without a click', async (width, part) => {
    visited = await visit(browser, world, { secret: world.token, width })
    const { page, go, faults, close } = visited
    await go('/')
    await page.locator(part).first().waitFor()
    const seen = await page.evaluate<string>(seenOn(part))
    expect(seen).toContain(`${world.domain}/${incident.queue}`)
    expect(seen).toContain('mailbox unavailable')
    const since = /since (\d\d:\d\d)/.exec(seen)?.[1] ?? ''
    const begun = Array.from({ length: 4 }, (_, n) =>
      new Date(Date.now() - 60_000 * (incident.minutes + n - 1)).toISOString().slice(11, 16),
    )
    expect(begun).toContain(since)
    expect(seen).toContain(`${incident.mark.minutesBefore} min after ${incident.mark.text} by ${incident.mark.by}`)
    expect(await page.title()).toBe('Overview · 1 failing · jobsctl')
    expect(await page.locator('link[rel=icon]').getAttribute('href')).toContain('circle')
    const queues = kind === 'own' ? incident.otherQueues + 2 : 2
    await page.getByRole('heading', { name: `${queues.toLocaleString('en')} queues` }).waitFor()
    expect(await page.getByRole('rowheader').first().textContent()).toContain(incident.queue)
    // On a phone a queue has two lines, and its table does not scroll sideways either.
    const wider = await page.evaluate<number>(
      "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.queues .scroll'))",
    )
    expect([await sideways(page), wider, faults]).toEqual([0, 0, []])
    await close()
  })

  it('one click leads to the failures of the queue since they began', async () => {
    visited = await visit(browser, world, { secret: world.token })
    const { page, go, close } = visited
    await go('/')
    await page.getByRole('link', { name: 'Look', exact: false }).first().click()
    await page.getByRole('heading', { name: 'Failures', level: 1 }).waitFor()
    await page
      .getByText(/mailbox unavailable/)
      .first()
      .waitFor()
    expect(new URL(page.url()).searchParams.get('queue')).toBe(incident.queue)
    await close()
  })

  it.each(looks)('axe finds nothing at %i px, %s', async (width, colorScheme) => {
    visited = await visit(browser, world, { secret: world.token, width, colorScheme })
    const { page, go, close } = visited
    await go('/')
    await page.locator('.sparkline').first().waitFor()
    expect([await violations(page), await sideways(page)]).toEqual([[], 0])
    await close()
  })
})
