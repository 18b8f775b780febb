import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../../support/browser/browser.ts'
import type { World } from '../../support/world.ts'

describe.skipIf(!hasBrowser)('the throttle of a queue (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world } = opened)
    // A queue that has no job cannot be explained.
    visited = await visit(opened.browser, world, { secret: world.key, expected: /404/ })
    page = visited.page
  })
  afterAll(() => opened?.stop())
  beforeEach(() => world.sql`truncate jobsctl_limits`)

  const throttle = () => page.getByRole('region', { name: 'Throttle' })
  const limits = () => world.sql`select running, per_minute from jobsctl_limits`
  const set = (more: object) => world.confirm('/api/v1/jobs/queue/throttle', { domain: 'mail', queue: 'high', ...more })

  it('of a queue without jobs is shown, too, and what another sets', async () => {
    await set({ running: 5 })
    await visited.go('/queue?domain=mail&queue=high')
    await throttle().getByText('for workers that lease over HTTP: at most 5 running').waitFor()
    await throttle().getByRole('button', { name: 'End the throttle' }).click()
    await throttle().getByText('Now not throttled; before: at most 5 running.').waitFor()
    expect(await limits()).toEqual([])
    await set({ running: 7 })
    await page.getByRole('button', { name: 'Refresh' }).click()
    await throttle().getByText('for workers that lease over HTTP: at most 7 running').waitFor()
    expect(visited.faults).toEqual([])
  })

  it('one limit that is typed leaves the other as it is', async () => {
    await world.jobs(1, { status: 'queued', domain: 'mail', queue: 'high' })
    await set({ running: 5, per_minute: 60 })
    await visited.go('/queue?domain=mail&queue=high')
    await throttle().getByText('at most 5 running, at most 60 a minute').waitFor()
    await throttle().getByLabel('Running at most').fill('3')
    await throttle().getByRole('button', { name: 'Throttle', exact: true }).click()
    await throttle()
      .getByText(/^Now at most 3 running/)
      .waitFor()
    expect(await limits()).toEqual([{ running: 3, per_minute: 60 }])
    expect(visited.faults).toEqual([])
  })

  it('a press without a number says what is missing', async () => {
    await visited.go('/queue?domain=mail&queue=high')
    await throttle().getByRole('button', { name: 'Throttle', exact: true }).press('Enter')
    await throttle().getByText('Name a number first.').waitFor()
    expect(await limits()).toEqual([])
  })
})
