import type { Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, setHidden, type Visit, visit } from '../support/browser/browser.ts'

describe.skipIf(!hasBrowser)('slow networks, and servers that do not answer (needs chromium)', () => {
  let opened: OpenedVisit
  beforeAll(async () => {
    opened = await openVisit()
  })
  afterAll(() => opened?.stop())

  /** A visit of its own, in which calls fail. */
  const open = ({ world, browser }: OpenedVisit): Promise<Visit> =>
    visit(browser, world, { secret: world.key, expected: /ERR_|Failed to load/ })

  /** Answers the record of an operation as if it still ran. */
  const asRunning = async (route: Route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), state: 'running', ended_at: null } })
  }

  /** The id of an operation on record. */
  const operation = async ({ world }: OpenedVisit): Promise<number> => {
    await world.jobs(1, { status: 'failed' })
    const { body } = await world.confirm('/api/v1/jobs/retry-now', { all: true })
    return Number(Object(body).operation_id)
  }

  it('a running operation is followed to its end where each answer takes longer than a second', async () => {
    const { page, go, close } = await open(opened)
    const id = await operation(opened)
    let asked = 0
    await page.route(`**/api/v1/jobs/operations/${id}`, async (route) => {
      if (asked++ === 0) return asRunning(route)
      await page.waitForTimeout(1500)
      await route.continue()
    })
    await go(`/operations/${id}`)
    await page.getByRole('button', { name: 'Stop' }).waitFor()
    await page.getByRole('button', { name: 'Preview the undo' }).waitFor()
    await page.unrouteAll({ behavior: 'wait' })
    await close()
  })

  it('a stop that was not answered can be tried again', async () => {
    const { page, go, close } = await open(opened)
    const id = await operation(opened)
    let isLost = true
    await page.route(`**/api/v1/jobs/operations/${id}`, asRunning)
    await page.route(`**/api/v1/jobs/operations/${id}/stop`, (route) => (isLost ? route.abort() : route.continue()))
    await go(`/operations/${id}`)
    const stop = page.getByRole('button', { name: 'Stop' })
    await stop.click()
    await page.getByRole('alert').getByText('The server does not answer.').waitFor()
    isLost = false
    await stop.click()
    await page.getByText('It stops after its batch.').waitFor()
    expect(await stop.isDisabled()).toBe(true)
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await close()
  })

  it.each([502, 503, 504, 429])('a change is followed past the page of a proxy with the status %i', async (status) => {
    const { page, go, close } = await open(opened)
    await opened.world.jobs(3, { status: 'quarantined', domain: 'proxied' })
    let asked = 0
    await page.route('**/progress', (route) =>
      asked++ === 0 ? route.fulfill({ status, contentType: 'text/html', body: '<h1>nginx</h1>' }) : route.continue(),
    )
    await go('/change/requeue?domain=proxied')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Requeue 3 jobs' }).click()
    await page.getByText('3 jobs requeued').waitFor()
    expect(asked).toBe(2)
    await close()
  })

  it('a change of which the server has no word for a while says so, and ends where the database refuses', async () => {
    const { page, go, close } = await open(opened)
    await opened.world.jobs(3, { status: 'quarantined', domain: 'silent' })
    const refusal = { code: 'database_unavailable', detail: 'the database refused this call' }
    let answer: object = { ...refusal, detail: 'the database cannot be reached' }
    await page.route('**/progress', (route) => route.fulfill({ status: 503, json: answer }))
    await go('/change/requeue?domain=silent')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Requeue 3 jobs' }).click()
    await page.getByText('No word of it, it is asked for again: the database cannot be reached').waitFor()
    answer = { ...refusal, refused_by_database: true }
    await page.getByRole('alert').getByText('the database refused this call').waitFor()
    await page.unroute('**/progress')
    await page.getByRole('button', { name: 'Look for it' }).click()
    await page.getByText('3 jobs requeued').waitFor()
    await close()
  })

  it('what to do after no answer is true to the call', async () => {
    const { page, go, close } = await open(opened)
    const lost = (route: Route) => route.fulfill({ status: 504, body: '<h1>nginx</h1>' })
    await page.route('**/api/v1/jobs/list*', lost)
    await go('/jobs')
    await expect
      .poll(() => page.getByRole('alert').locator('.hint').textContent())
      .toBe('This page asks again by itself.')
    await opened.world.jobs(1, { status: 'queued', domain: 'lost' })
    await page.route('**/api/v1/jobs/queue/control', lost)
    await go('/queue?domain=lost&queue=default')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('alert').getByText('look before you try again').waitFor()
    await close()
  })

  it('a screen whose server was away is there again without a click, and the rows of before stay meanwhile', async () => {
    const { page, go, close } = await open(opened)
    const [id] = await opened.world.jobs(1, { status: 'failed', domain: 'away' })
    let isAway = false
    await page.route('**/api/v1/jobs/**', (route) => (isAway ? route.abort() : route.continue()))
    for (const [screen, text] of [
      [`/jobs/${id}`, 'What happened'],
      ['/jobs?domain=away', '1 job matches'],
      ['/operations', 'The chain is whole'],
    ] as const) {
      isAway = false
      await go(screen)
      await page.getByText(text).first().waitFor()
      isAway = true
      await page.getByRole('button', { name: 'Refresh' }).click()
      await page.getByText('This page asks again by itself.').first().waitFor()
      expect(await page.getByText(text).count()).toBeGreaterThan(0)
      isAway = false
      await expect.poll(() => page.getByRole('alert').count()).toBe(0)
    }
    await close()
  })

  it('a tab that is opened behind the others reads nothing before it is seen', async () => {
    const { context, close } = await open(opened)
    const tab = await context.newPage()
    await tab.addInitScript(setHidden(true))
    const asked: string[] = []
    tab.on('request', (request) => {
      if (request.url().includes('/api/')) asked.push(request.url())
    })
    await tab.goto(`${opened.world.url}/ui/jobs`)
    await tab.locator('.brand').waitFor()
    await tab.waitForLoadState('networkidle')
    expect(asked).toEqual([])
    await tab.evaluate(setHidden(false))
    await tab.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await close()
  })

  it('a look for the counts that hangs is given up where the tab is hidden', async () => {
    const { page, close } = await open(opened)
    const counts = '**/api/v1/jobs/overview'
    const held: Route[] = []
    await page.route(counts, (route) => void held.push(route))
    await page.reload()
    await expect.poll(() => held.length).toBe(1)
    const givenUp = page.waitForEvent('requestfailed', (request) => request === held[0]?.request())
    await page.evaluate(setHidden(true))
    await givenUp
    await page.unroute(counts)
    await page.evaluate(setHidden(false))
    await page.getByText(/^Live/).waitFor()
    await close()
  })

  it.each([200, 502])(
    'a change whose answer is a page of a proxy (%i) may be made, and is made once',
    async (status) => {
      const { page, go, close } = await open(opened)
      const { world } = opened
      const domain = `page${status}`
      await world.jobs(3, { status: 'quarantined', domain })
      await go(`/change/requeue?domain=${domain}`)
      await page.getByRole('button', { name: 'Preview', exact: true }).click()
      let asked = 0
      await page.route('**/batch/requeue_quarantined', async (route) => {
        if (asked++ > 0) return route.continue()
        await route.fetch()
        await route.fulfill({ status, contentType: 'text/html', body: '<h1>nginx</h1>' })
      })
      await page.getByRole('button', { name: 'Requeue 3 jobs' }).click()
      await page.getByRole('alert').getByText('may have been changed, or not').waitFor()
      await page.getByRole('button', { name: 'Look for it' }).click()
      await page.getByText('3 jobs requeued').waitFor()
      expect(await world.sql`select affected from job_operations where domain = ${domain}`).toEqual([{ affected: 3 }])
      await close()
    },
  )

  it('a page of a proxy in place of an answer is told as such', async () => {
    const { page, go, close } = await open(opened)
    await page.route('**/api/v1/jobs/list*', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<h1>Log in to the proxy</h1>' }),
    )
    await go('/jobs')
    await page.getByRole('alert').getByText('The answer is not that of a jobs-server').waitFor()
    await close()
  })

  it('times are those of the server where the clock of the browser is wrong', async () => {
    const { page, go, close } = await open(opened)
    await opened.world.jobs(1, { status: 'failed', domain: 'clock' })
    await opened.world.sql`
      update jobs set created_at = now(), completed_at = now(), updated_at = now() where domain = 'clock'`
    await page.clock.setSystemTime(Date.now() + 3_600_000)
    await go('/clusters?domain=clock&since=15m')
    await page.getByText('1 job', { exact: true }).waitFor()
    const first = page.getByText(/^First /)
    expect(await first.textContent()).toMatch(/^First (now|in \d s|\d+ s ago)/)
    await close()
  })

  it('where one call of a screen fails, it is told, and the others are shown', async () => {
    const { page, go, close } = await open(opened)
    await opened.world.jobs(1, { status: 'queued', domain: 'one', queue: 'low' })
    const [id] = await opened.world.jobs(1, { status: 'failed', domain: 'one', queue: 'low' })
    const told = page.getByRole('alert').getByText('it broke').first()
    for (const [screen, call, shown] of [
      ['/', 'operations?*', page.getByRole('slider', { name: 'Show a moment of the past' })],
      ['/', 'history?*', page.getByRole('navigation', { name: 'Totals' })],
      ['/history', 'operations?*', page.getByRole('figure', { name: 'Failed' })],
      ['/queue?domain=one&queue=low', 'queues/explain?*', page.getByRole('button', { name: 'Pause', exact: true })],
      ['/queue?domain=one&queue=low', 'workers?*', page.getByRole('button', { name: 'Pause', exact: true })],
      [`/jobs/${id}`, `${id}/explain`, page.getByRole('region', { name: 'payload' })],
    ] as const) {
      await page.route(`**/api/v1/jobs/${call}`, (route) =>
        route.fulfill({ status: 500, json: { detail: 'it broke' } }),
      )
      await go(screen)
      await shown.waitFor()
      // The band of hours has no list of changes: their lines alone are missing.
      if (screen !== '/' || call.startsWith('history')) await told.waitFor()
      await page.unrouteAll({ behavior: 'wait' })
    }
    await close()
  })

  it('counts that the server refuses say why, and are shown once it answers', async () => {
    const { page, go, close } = await open(opened)
    const counts = '**/api/v1/jobs/overview'
    await page.route(counts, (route) =>
      route.fulfill({ status: 503, json: { detail: 'the database does not answer' } }),
    )
    await go('/')
    await page.getByRole('alert').getByText('the database does not answer').waitFor()
    await page.unroute(counts)
    await page.getByText(/^Live/).waitFor()
    await go(`/?domain=${'x'.repeat(5000)}`)
    await page
      .getByRole('alert')
      .getByText(/domain must/)
      .first()
      .waitFor()
    await go('/?domian=mail')
    await page.getByText('The address has domian').waitFor()
    await close()
  })
})
