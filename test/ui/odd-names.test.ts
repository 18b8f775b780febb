import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, type Visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('names that no filter finds, as other programs write them (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
    for (const queue of ['high', ' high ', '  '])
      await world.jobs(3, { status: 'failed', domain: 'mail', queue, job_type: queue, worker_id: queue })
    for (const queue of ['high', ' high ', '  ']) await world.jobs(2, { status: 'queued', domain: 'mail', queue })
  })
  afterAll(() => opened?.stop())

  it('lead nowhere: their links would be of other queues', async () => {
    const [id] = await world.sql<{ id: number }[]>`select id from jobs where queue = ' high ' and status = 'failed'`
    for (const screen of ['/?domain=mail', '/jobs?domain=mail', `/jobs/${id?.id}`]) {
      await visited.go(screen)
      await page.locator('main bdi').filter({ hasText: 'high' }).first().waitFor()
      const found = await page.evaluate<string[]>(`[...document.querySelectorAll('main a')].map((link) => link.href)
        .filter((href) => [...new URL(href).searchParams.entries()].some(([name, value]) =>
          value.trim() === '' || (value.trim() !== value && ['domain', 'queue', 'job_type'].includes(name))))`)
      expect([screen, found]).toEqual([screen, []])
    }
  })

  it('have no switch beside their sentence: it would stop another queue', async () => {
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      select date_trunc('minute', now()), 'mail', queue, 'a', 'processing', 'failed', 9, 0
      from unnest(array['high', ' high ']) as queue`
    await visited.go('/')
    const sentences = page.getByRole('list', { name: 'What needs somebody' }).locator('> li.bad')
    await expect.poll(() => sentences.count()).toBe(2)
    expect(await sentences.getByRole('button', { name: /^Pause/ }).count()).toBe(1)
    await world.sql`truncate jobsctl_history_minutes`
  })

  it('have no switch on the card of a phone', async () => {
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      values (date_trunc('minute', now()), 'mail', ' high ', 'a', 'processing', 'failed', 9, 0)`
    await page.setViewportSize({ width: 390, height: 800 })
    await visited.go('/')
    const card = page.getByRole('region', { name: 'Failing now' })
    await card
      .getByText(/a minute/)
      .first()
      .waitFor()
    expect(await card.getByRole('button').count()).toBe(0)
    expect(await card.getByRole('link').count()).toBe(0)
    await page.setViewportSize({ width: 1280, height: 800 })
    await world.sql`truncate jobsctl_history_minutes`
  })

  it('a blank value is no filter, and is said to be none', async () => {
    await visited.go('/jobs?domain=mail')
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.fill('queue:"  "')
    await box.press('Enter')
    await page.getByText('The filter “queue” has no value.').waitFor()
    await visited.go('/jobs?domain=mail&queue=+')
    await page.getByRole('button', { name: /^Domain: mail/ }).waitFor()
    expect(await page.getByRole('button', { name: /^Queue:/ }).count()).toBe(0)
  })

  it('the tile of running jobs leads to as many as it says', async () => {
    await world.jobs(3, { status: 'processing', domain: 'slow' })
    await world.sql`
      update jobs set leased_until = now() + case when id % 3 = 0 then '-1 hour' else '1 hour' end::interval
      where domain = 'slow'`
    await visited.go('/?domain=slow')
    const tile = page.getByRole('navigation', { name: 'Totals' }).getByRole('link', { name: /^Running/ })
    await tile.getByText('1 past their lease').waitFor()
    await tile.click()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(3)
  })

  it('the tile of the oldest wait stays in the domain, also where none waits', async () => {
    await visited.go('/?domain=slow')
    const tile = page.getByRole('navigation', { name: 'Totals' }).getByRole('link', { name: /^Oldest wait/ })
    await tile.getByText('none').waitFor()
    expect(await tile.getAttribute('href')).toMatch(/\?domain=slow$/)
  })
})
