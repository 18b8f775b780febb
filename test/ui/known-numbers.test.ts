import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { makeScoped } from '../support/access/tokens.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import { newDatabase } from '../support/database/database.ts'
import { openWorld, type World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('what is known of numbers, and what is not (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let browser: Browser
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, browser, visited, page } = opened)
  })
  afterAll(() => opened?.stop())
  beforeEach(() => world.sql`truncate jobs, job_operations cascade`)

  it('a lower bound is told as one, and neither an undo nor a time follows from it', async () => {
    await world.jobs(5, { status: 'failed' })
    await page.route('**/retry-now', async (route) => {
      const response = await route.fetch()
      const json = await response.json()
      const bound = { complete: false, count: 96_000, count_at_least: 96_000, restorable: 96_000, eta_seconds: 20 }
      if (json.preview) Object.assign(json.preview, { ...bound, dependents: 7, owners: [], groups: [] })
      await route.fulfill({ response, json })
    })
    await visited.go('/change/retry?domain=chatbooks')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    const preview = page.getByRole('region', { name: 'Preview' })
    await preview.getByRole('heading', { name: 'Retry at least 96,000 jobs' }).waitFor()
    await preview.getByText('at least 7 jobs').waitFor()
    await preview.getByText('how long it takes is not known').waitFor()
    const text = ((await page.locator('main').textContent()) ?? '').replaceAll(/at least [\d,]+/gi, '')
    expect(text).not.toMatch(/96,000|20 s|be undone/)
    await page.unroute('**/retry-now')
  })

  it('the others of first jobs are left for later, and nobody has skipped them', async () => {
    await world.jobs(5, { status: 'failed' })
    await visited.go('/change/retry?domain=chatbooks&canary=2')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Retry 2 of 5 jobs first' }).click()
    await page.getByText('2 jobs retried first').waitFor()
    await page.getByRole('link', { name: /^Operation \d+$/ }).click()
    await expect.poll(() => page.locator('dl').first().textContent()).toMatch(/left for later\s*3/i)
    expect(await page.getByText('Skipped').count()).toBe(0)
  })

  it('a cluster names the ten largest of its domains, and says how many others there are', async () => {
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload, error_code, error_message, owner_user_id, completed_at)
      select gen_random_uuid()::text, 'shop' || n, 'q', 't', 'quarantined', '{}', 'E', 'no answer', 'ann' || n, now()
      from generate_series(1, 14) as n`
    await visited.go('/clusters')
    const cluster = page.locator('.cluster')
    await cluster.getByText('14 jobs').waitFor()
    await cluster.getByRole('link', { name: 'Requeue in all domains…' }).waitFor()
    expect(((await cluster.textContent()) ?? '').match(/and 11 more/g)).toHaveLength(2)
  })

  it('a search goes on by itself, says how far it is, and is never empty before its end', async () => {
    const ids = await world.jobs(3, { status: 'failed' })
    const held: Route[] = []
    let holds = true
    // The server looks at 400,000 jobs a page, and finds one of them in the third.
    await page.route('**/api/v1/jobs/list*', async (route) => {
      const at = Number(new URL(route.request().url()).searchParams.get('cursor')?.slice(1) ?? 0)
      if (at === 1 && holds) {
        held.push(route)
        return
      }
      const response = await route.fetch({
        url: `${world.url}/api/v1/jobs/list?ids=${at === 2 ? ids[0] : 999_999_999}`,
      })
      const isLast = at === 3
      await route.fulfill({
        response,
        headers: {
          ...response.headers(),
          'x-scanned': '400000',
          'x-complete': String(isLast),
          link: isLast ? '' : `<?cursor=c${at + 1}>; rel="next"`,
        },
      })
    })
    await visited.go('/jobs?error=timeout')
    await page.getByText('looked at 400,000 · 0 found, and the search goes on').waitFor()
    expect(await page.getByText(/^No job/).count()).toBe(0)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('0 found so far').waitFor()
    expect(await page.getByText(/^No job/).count()).toBe(0)
    holds = false
    await Promise.all(held.map((route) => route.abort().catch(() => {})))
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('link', { name: String(ids[0]), exact: true }).waitFor()
    await expect.poll(() => page.getByText('looked at').count()).toBe(0)
    expect(await page.getByRole('row').count()).toBe(2)
    await page.unroute('**/api/v1/jobs/list*')
  })

  it('a list that has the newest jobs of an engine alone says so', async () => {
    await world.jobs(2, { status: 'queued' })
    await page.route('**/api/v1/jobs/list*', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, headers: { ...response.headers(), 'x-only-newest': 'true' } })
    })
    await visited.go('/jobs?sort=priority:asc')
    await page.getByText('This order has the 50,000 jobs that were made last').waitFor()
    await page.unroute('**/api/v1/jobs/list*')
  })

  it('what a token may not see is not told as what is not there, and the page says what it sees', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    await multi.jobs(2, { status: 'failed', domain: 'chatbooks' })
    const token = await makeScoped(multi.sql, 'operator', { domains: ['mail'] })
    const { page, go, close } = await visit(browser, multi, { secret: token, expected: /404/ })
    await page.getByText('domain mail only').waitFor()
    for (const [screen, text] of [
      ['/', 'No job that you may see waits or runs'],
      ['/jobs', 'No job that you may see matches'],
      ['/clusters', 'No job that you may see has failed here'],
      ['/operations', 'There is no record that you may see yet'],
      ['/plans', 'There is no plan that you may see'],
      ['/events', 'No event that you may see yet'],
      ['/queue?domain=chatbooks&queue=default', 'You see domain mail alone'],
      ['/jobs/1', 'You see domain mail alone'],
      ['/operations/1', 'You see domain mail alone'],
    ] as const) {
      await go(screen)
      await page.getByText(text).first().waitFor()
    }
    await close()
    await multi.stop()
  })
})
