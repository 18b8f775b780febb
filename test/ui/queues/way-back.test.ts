import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../../support/browser/browser.ts'
import type { World } from '../../support/world.ts'

describe.skipIf(!hasBrowser)('the way back from a stop of a queue (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
  })
  afterAll(() => opened?.stop())
  beforeEach(async () => {
    await world.sql`truncate jobs, job_queue_controls, jobsctl_history_minutes cascade`
  })

  const stopped = async () => {
    const rows = await world.sql<{ paused: boolean }[]>`select paused from job_queue_controls where domain = 'print'`
    return rows.map(({ paused }) => paused)
  }
  const fails = () => world.sql`
    insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
    values (date_trunc('minute', now()), 'print', 'labels', 'a', 'processing', 'failed', 9, 0)`

  it('of a resume it stays where the sentence of the stop was', async () => {
    await world.jobs(4, { status: 'queued', domain: 'print', queue: 'labels' })
    await world.confirm('/api/v1/jobs/queue/control', {
      ...{ domain: 'print', queue: 'labels' },
      ...{ action: 'pause', reason: 'out of paper' },
    })
    await visited.go('/')
    await page.getByRole('button', { name: 'Resume print/labels' }).click()
    const here = page.getByRole('region', { name: 'Resume print/labels' })
    await here.getByRole('button', { name: 'Resume print/labels' }).click()
    await page.getByText('out of paper').waitFor({ state: 'detached' })
    await here.getByText('Its jobs are handed out again.').waitFor()
    expect(await page.getByText('is paused for').count()).toBe(0)
    await here.getByRole('button', { name: 'Take it back: Pause' }).click()
    await page.getByText('is paused for').waitFor()
    expect(await stopped()).toEqual([true])
    await here.getByRole('button', { name: 'Close' }).click()
    expect(await here.count()).toBe(0)
    expect(visited.faults).toEqual([])
  })

  it('goes with its sentence where another domain is looked at', async () => {
    await world.jobs(4, { status: 'queued', domain: 'mail', queue: 'high' })
    await fails()
    await visited.go('/?domain=mail')
    await page.getByRole('link', { name: 'All domains' }).click()
    await page.getByRole('button', { name: 'Pause print/labels' }).click()
    const here = page.getByRole('region', { name: 'Pause print/labels' })
    await here.waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'All domains' }).waitFor()
    await here.waitFor({ state: 'detached', timeout: 5000 })
    await page.getByRole('link', { name: 'print/labels' }).first().waitFor({ state: 'detached', timeout: 5000 })
    expect(visited.faults).toEqual([])
  })

  it.each([1280, 390])('counts at %i px also while the queues are not read', async (width) => {
    await world.jobs(4, { status: 'queued', domain: 'print', queue: 'labels' })
    await fails()
    const narrow = await visit(opened.browser, world, { secret: world.key, width })
    await narrow.go('/')
    const isWide = width > 760
    const pause = isWide ? 'Pause print/labels' : 'Pause this queue'
    await narrow.page.getByRole('button', { name: pause }).first().waitFor()
    const held: Route[] = []
    await narrow.page.route('**/api/v1/jobs/overview*', (route) => void held.push(route))
    await narrow.page.getByRole('button', { name: pause }).first().click()
    if (isWide) await narrow.page.getByRole('region', { name: pause }).getByRole('button', { name: pause }).click()
    await narrow.page.getByText('Paused: running jobs go on').first().waitFor()
    const back = narrow.page.getByRole('button', { name: isWide ? 'Take it back: Resume' : 'Resume this queue' })
    await back.press('Enter')
    await expect.poll(stopped).toEqual([false])
    await narrow.page.unroute('**/api/v1/jobs/overview*')
    await Promise.all(held.map((route) => route.continue().catch(() => undefined)))
    expect(narrow.faults).toEqual([])
    await narrow.close()
  })
})
