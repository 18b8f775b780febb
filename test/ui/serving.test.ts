import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { visit } from '../support/browser/browser.ts'
import { startPathProxy } from '../support/fakes/path-proxy.ts'
import { openWorld, type World } from '../support/world.ts'

/** A change that the page itself does not offer, with its cookie; its value is the status. */
const retryAll = `fetch('/api/v1/jobs/retry-now', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Confirm': 'true' },
  body: '{"all":true}',
}).then(({ status }) => status)`

describe.skipIf(!hasBrowser)('serving the dashboard (needs chromium)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  it.each([
    ['keeps the base path', ''],
    ['takes the base path away', '/jobs'],
  ])('below a base path, behind a proxy that %s and rewrites Host', async (_what, cut) => {
    let world: World | undefined
    const { origin, stop } = await startPathProxy(() => world?.url ?? '', cut)
    world = await openWorld('postgres', { JOBS_PUBLIC_URL: `${origin}/jobs` })
    await world.jobs(3, { status: 'failed' })
    const { page, go, faults, close } = await visit(browser, world, { secret: world.key, root: `${origin}/jobs` })
    await page.getByText(/^Live/).waitFor()
    await go('/jobs?status=failed')
    await expect.poll(() => page.getByRole('row').count()).toBe(4)
    await page.getByRole('row').nth(1).getByRole('link').first().click()
    await page.getByRole('heading', { name: /^Job / }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(/^\/jobs\/ui\/jobs\/\d+$/)
    expect(faults).toEqual([])
    await close()
    await world.stop()
    stop()
  })

  it('each address of a screen is the page, and a file that is not there is 404', async () => {
    const world = await openWorld('postgres')
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${world.url}${path}`, { redirect: 'manual', headers })
    const page = await get('/ui/operations/12')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(page.headers.get('cache-control')).toBe('no-store')
    const script = /src="([^"]+)"/.exec(await page.text())?.[1] ?? ''
    const asset = await get(script)
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
    for (const path of ['/ui/assets/no.js', '/ui/assets/..%2f..%2fpackage.json', '/ui/assets/%00', '/ui/assets/']) {
      expect([path, (await get(path)).status]).toEqual([path, 404])
    }
    // A browser asks for a page; a program gets the 404 that it has always got.
    expect((await get('/', { accept: 'text/html,*/*' })).headers.get('location')).toBe('/ui/')
    expect((await get('/')).status).toBe(404)
    expect((await get('/ui/', { 'x-forwarded-for': '192.0.2.1' })).status).toBe(403)
    await world.stop()
  })

  it('without the dashboard, there is nothing at its paths', async () => {
    const world = await openWorld('postgres', { JOBS_UI: 'off' })
    for (const path of ['/', '/ui', '/ui/', '/ui/jobs'])
      expect([path, (await fetch(`${world.url}${path}`)).status]).toEqual([path, 404])
    await world.stop()
  })

  it('JOBS_UI=read lets an admin look and change nothing', async () => {
    const world = await openWorld('postgres', { JOBS_UI: 'read' })
    await world.jobs(3, { status: 'failed' })
    const { page, go, close } = await visit(browser, world, { secret: world.key })
    await go('/jobs')
    await expect.poll(() => page.getByRole('row').count()).toBe(4)
    expect(await page.getByText('All jobs that match').count()).toBe(0)
    const answer = await page.evaluate(retryAll)
    expect(answer).toBe(403)
    await go('/change/retry')
    await page.getByText('Nobody changes jobs here while the server runs with JOBS_UI=read.').waitFor()
    expect((await world.confirm('/api/v1/jobs/retry-now', { all: true })).status).toBe(200)
    await close()
    await world.stop()
  })

  it('a screen whose file the server does not have any more loads the page again once, and then says so', async () => {
    const world = await openWorld('postgres')
    const { page, close } = await visit(browser, world, { secret: world.key, expected: /404/ })
    const refused: string[] = []
    await page.route('**/assets/history-*', (route) => {
      refused.push(route.request().url())
      return route.fulfill({ status: 404 })
    })
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByRole('alert').getByText('The server has not sent this screen.').waitFor()
    expect(refused).toHaveLength(2)
    await page.unroute('**/assets/history-*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('figure').first().waitFor()
    await close()
    await world.stop()
  })

  it('everything before the counts is at most 60 KB', async () => {
    const world = await openWorld('postgres')
    await world.jobs(3, { status: 'queued' })
    const { context, close } = await visit(browser, world, { secret: world.key })
    const cold = await context.newPage()
    const network = await context.newCDPSession(cold)
    await network.send('Network.enable')
    await network.send('Network.setCacheDisabled', { cacheDisabled: true })
    // What is read after the counts, such as the band of hours, may be there before this test has seen them.
    const counts = '/api/v1/jobs/overview'
    const paths = new Map<string, string>()
    const sizes = new Map<string, number>()
    network.on('Network.requestWillBeSent', ({ requestId, request }) =>
      paths.set(requestId, new URL(request.url).pathname),
    )
    network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const path = paths.get(requestId)
      if (path !== undefined && !sizes.has(counts)) sizes.set(path, encodedDataLength)
    })
    await cold.goto(`${world.url}/ui/`)
    await cold.locator('.tile').first().waitFor()
    await cold.waitForLoadState('load')
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes, [...sizes].join(' ')).toBeLessThan(60_000)
    await close()
    await world.stop()
  })
})

it('the first load is at most 45 KB, a screen that is loaded later 15 KB, the style 6 KB, all compressed', async () => {
  const folder = join(import.meta.dirname, '../../dist/ui')
  const page = await readFile(join(folder, 'index.html'), 'utf8')
  const first = [...page.matchAll(/assets\/([\w.-]+)"/g)].map(([, name]) => `${name}.gz`)
  const sizes = await Promise.all(
    (await readdir(join(folder, 'assets'))).map(async (name) => ({
      name,
      size: (await stat(join(folder, 'assets', name))).size,
    })),
  )
  const sizesOf = (isOne: (name: string) => boolean) => sizes.filter(({ name }) => isOne(name)).map(({ size }) => size)
  const load = sizesOf((name) => first.includes(name))
  expect(load.length).toBe(first.length)
  expect(load.reduce((sum, size) => sum + size, 0)).toBeLessThan(45_000)
  const later = sizesOf((name) => name.endsWith('.js.gz') && !first.includes(name))
  expect([later.length > 0, Math.max(...later) < 15_000]).toEqual([true, true])
  expect(sizesOf((name) => name.endsWith('.css.gz'))[0]).toBeLessThan(6000)
})
