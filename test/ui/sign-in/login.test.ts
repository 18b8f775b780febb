import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { makeScoped, makeToken } from '../../support/access/tokens.ts'
import { sideways } from '../../support/browser/axe.ts'
import { visit } from '../../support/browser/browser.ts'
import { newDatabase } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

/** A change that the page itself does not offer, with its cookie; its value is the status. */
const retryAll = `fetch('/api/v1/jobs/retry-now', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Confirm': 'true' },
  body: '{"all":true}',
}).then(({ status }) => status)`

/** Resolves when the page has been drawn twice: what a screen asks for when it is first shown, it has asked for then. */
const drawnTwice = `new Promise((resolve) => {
  const next = (then) => () => requestAnimationFrame(() => setTimeout(then))
  next(next(next(resolve)))()
})`

/** Buttons, fields and links of the lists that are less than 24 pixels high or wide; a box has its label. */
const smallTargets = `[...document.querySelectorAll('button, select, summary, nav a, td a, th a, input:not([type=checkbox], [type=radio])')]
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect()
    return width > 0 && getComputedStyle(element).clipPath === 'none' && (height < 24 || width < 24)
  })
  .map((element) => element.outerHTML)`

describe.skipIf(!hasBrowser)('login (needs chromium)', () => {
  let world: World
  let browser: Browser
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(3, { status: 'failed' })
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })

  it('a key opens a session, and is nowhere in the browser afterwards', async () => {
    const { page, context, faults, close } = await visit(browser, world, { secret: world.key })
    await expect.poll(() => page.title()).toBe('Overview · jobsctl')
    const stores = await page.evaluate<string>(
      'JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie])',
    )
    const dom = await page.content()
    expect(stores).not.toContain(world.key)
    expect(dom).not.toContain(world.key)
    expect(await page.evaluate('document.cookie')).toBe('')
    const [cookie, ...more] = await context.cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    expect(more).toEqual([])
    expect(world.log.join('\n')).not.toContain(world.key)
    expect(faults).toEqual([])
    await close()
  })

  it('a wrong key is told, and the field is empty for the next try', async () => {
    const { page, go, close } = await visit(browser, world, { expected: /401/ })
    await go('/jobs?status=failed')
    await page.getByLabel('Key or token').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').getByText('the API key is not right').waitFor()
    await page.getByLabel('Key or token').fill(world.key)
    await page.getByRole('button', { name: 'Log in' }).click()
    // The address of before the login is shown.
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await expect.poll(() => page.getByRole('row').count()).toBe(4)
    await close()
  })

  it('the log out of one tab ends the page of another, which goes on after the login of the first', async () => {
    const { page, context, close } = await visit(browser, world, { secret: world.key })
    const other = await context.newPage()
    await other.goto(`${world.url}/ui/jobs`)
    await other.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    // The second login of one page has the focus, too.
    await page.getByLabel('Key or token').and(page.locator(':focus')).waitFor()
    await other.getByLabel('Key or token').waitFor()
    expect(await context.cookies()).toEqual([])
    await page.getByLabel('Key or token').fill(world.key)
    await page.getByRole('button', { name: 'Log in' }).click()
    await other.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await close()
  })

  it('the log out of one tab ends the page of another also where the server does not answer that one', async () => {
    const { page, context, close } = await visit(browser, world, { secret: world.key, expected: /502/ })
    const other = await context.newPage()
    await other.goto(`${world.url}/ui/jobs`)
    await other.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await other.route('**/api/v1/session', (route) => route.fulfill({ status: 502, body: '<h1>nginx</h1>' }))
    await page.getByRole('button', { name: 'Log out' }).click()
    await other.getByLabel('Key or token').waitFor()
    await close()
  })

  it('a change that one caller has begun is not sent again for the next', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    await multi.jobs(3, { status: 'failed' })
    const ann = await makeToken(multi.sql, 'ann', 'operator')
    const ben = await makeToken(multi.sql, 'ben', 'operator')
    const { page, context, go, close } = await visit(browser, multi, { secret: ann, expected: /409/ })
    await go('/change/retry?domain=chatbooks')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    let sent = 0
    await page.route('**/retry-now', (route) => {
      if (route.request().headers()['idempotency-key'] !== undefined) sent++
      return route.continue()
    })
    await page.getByRole('button', { name: 'Retry 3 jobs' }).click()
    await page.getByText('3 jobs retried').waitFor()
    const other = await context.newPage()
    await other.goto(`${multi.url}/ui/jobs`)
    await other.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Key or token').waitFor()
    await other.getByLabel('Key or token').fill(ben)
    await other.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('ben · operator').waitFor()
    await page.getByRole('button', { name: 'Preview', exact: true }).waitFor()
    expect(sent).toBe(1)
    await close()
    await multi.stop()
  })

  it('a server that cannot say who is logged in is asked again, and no login is shown in its place', async () => {
    const { page, close } = await visit(browser, world, { secret: world.key, expected: /503/ })
    const session = '**/api/v1/session'
    await page.route(session, (route) =>
      route.fulfill({ status: 503, json: { detail: 'the database does not answer' } }),
    )
    await page.reload()
    await page.getByRole('alert').getByText('the database does not answer').waitFor()
    expect(await page.getByLabel('Key or token').count()).toBe(0)
    // The page asks again by itself, and needs nobody for it.
    await page.unroute(session)
    await page.getByText(/^Live/).waitFor()
    await close()
  })

  it('on a phone the login leads to the queue of the alert, which is paused, and resumed by the way back', async () => {
    await world.jobs(2, { status: 'queued', domain: 'night', queue: 'high' })
    const { page, faults, close } = await visit(browser, world, { width: 390, expected: /401/ })
    await page.goto(`${world.url}/ui/queue?domain=night&queue=high`)
    await page.getByLabel('Key or token').fill(world.key)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('night/high').first().waitFor()
    // What is pressed is large enough for a thumb.
    const small = await page.evaluate<string[]>(smallTargets)
    expect(small).toEqual([])
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByRole('button', { name: 'Take it back: Resume' }).click()
    await page.getByText('Jobs are handed out again.').waitFor()
    expect([await sideways(page), faults]).toEqual([0, []])
    await close()
  })

  it('a log out that the server did not make is told, and not shown as one', async () => {
    const { page, close } = await visit(browser, world, { secret: world.key, expected: /ERR_/ })
    await page.route('**/api/v1/session/end', (route) => route.abort())
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('You may still be logged in.').waitFor()
    await page.unroute('**/api/v1/session/end')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByLabel('Key or token').waitFor()
    await close()
  })

  it('no read is refused beside a log out: those on their way end, and others wait', async () => {
    const [id] = await world.jobs(1, { status: 'queued', domain: 'left' })
    const { page, go, faults, close } = await visit(browser, world, { secret: world.key })
    await go(`/jobs/${id}`)
    await page.getByText('enqueued').waitFor()
    let isHeld = true
    const released = async () => {
      while (isHeld) await page.waitForTimeout(20)
    }
    // The server would answer this read after the log out.
    await page.route(`**/api/v1/jobs/${id}?*`, async (route) => {
      await released()
      await route.continue().catch(() => undefined)
    })
    await page.waitForRequest(`**/api/v1/jobs/${id}?*`)
    let isEnded = false
    const after: string[] = []
    page.on('request', (request) => {
      if (isEnded && request.method() === 'GET' && request.url().includes('/api/')) after.push(request.url())
    })
    await page.route('**/api/v1/session/end', async (route) => {
      const response = await route.fetch()
      isEnded = true
      await released()
      await route.fulfill({ response })
    })
    const aborted = page.waitForEvent('requestfailed', (request) => request.url().includes(`/api/v1/jobs/${id}?`))
    await page.getByRole('button', { name: 'Log out' }).click()
    expect((await aborted).failure()?.errorText).toBe('net::ERR_ABORTED')
    await expect.poll(() => isEnded).toBe(true)
    // A screen that is opened meanwhile asks for its jobs, and waits with the read that was aborted.
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await page.evaluate(drawnTwice)
    isHeld = false
    await page.getByLabel('Key or token').waitFor()
    expect([after, faults]).toEqual([[], []])
    await close()
  })

  it('another tab reads nothing while one logs out, and goes on where the session does', async () => {
    const { page, context, close } = await visit(browser, world, { secret: world.key, expected: /503/ })
    const other = await context.newPage()
    const faults: string[] = []
    other.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    await other.goto(`${world.url}/ui/workers`)
    await other.getByRole('heading', { name: 'Workers', level: 1 }).waitFor()
    const end = '**/api/v1/session/end'
    await page.route(end, (route) => route.fulfill({ status: 503, json: { detail: 'the database does not answer' } }))
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('You may still be logged in.').waitFor()
    await other.getByRole('link', { name: 'Jobs', exact: true }).click()
    await expect.poll(() => other.getByRole('row').count()).toBeGreaterThan(1)
    await page.unroute(end)
    let [isEnded, isHeld] = [false, true]
    await page.route(end, async (route) => {
      const response = await route.fetch()
      isEnded = true
      while (isHeld) await page.waitForTimeout(20)
      await route.fulfill({ response })
    })
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => isEnded).toBe(true)
    const asked: string[] = []
    other.on('request', (request) => isHeld && request.url().includes('/api/') && asked.push(request.url()))
    await other.getByRole('link', { name: 'Operations', exact: true }).click()
    await other.getByRole('heading', { name: 'Operations', level: 1 }).waitFor()
    await other.evaluate(drawnTwice)
    expect(asked).toEqual([])
    isHeld = false
    await other.getByLabel('Key or token').waitFor()
    expect(faults).toEqual([])
    await close()
  })

  it('a viewer is offered no change', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    await multi.jobs(3, { status: 'failed' })
    const token = await makeToken(multi.sql, 'wall', 'viewer')
    const { page, go, close } = await visit(browser, multi, { secret: token })
    await go('/jobs')
    await expect.poll(() => page.getByRole('row').count()).toBe(4)
    expect(await page.getByText('All jobs that match').count()).toBe(0)
    await page.getByRole('checkbox', { name: 'Select all jobs of this page' }).check()
    expect(await page.getByText('These 3 jobs').count()).toBe(0)
    await go('/change/retry?status=failed')
    await page.getByText('your role viewer lacks the right “change”').waitFor()
    const answer = await page.evaluate(retryAll)
    expect(answer).toBe(403)
    await close()
    await multi.stop()
  })

  it('a token with a scope is asked nothing about other domains', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    await multi.jobs(3, { status: 'failed', domain: 'media' })
    const token = await makeScoped(multi.sql, 'operator', { domains: ['media'] })
    const { page, go, faults, close } = await visit(browser, multi, { secret: token })
    await go('/change/retry')
    await page.getByText('Jobs of domain media').waitFor()
    await go('/operations')
    await page.getByText('There is no record that you may see yet.').waitFor()
    expect(await page.getByText('chain').count()).toBe(0)
    expect(faults).toEqual([])
    await close()
    await multi.stop()
  })

  it('an auditor is told which right a screen needs, and reads the records', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    const token = await makeToken(multi.sql, 'audit', 'auditor')
    const { page, faults, close } = await visit(browser, multi, { secret: token })
    await page.getByText('lacks the right “read”').waitFor()
    await page.getByRole('link', { name: 'Operations' }).click()
    await page.getByText('The chain is whole').waitFor()
    expect(await page.getByRole('link', { name: 'Jobs', exact: true }).count()).toBe(0)
    expect(faults).toEqual([])
    await close()
    await multi.stop()
  })

  it('a server of another version makes the page offer a reload', async () => {
    const { page, go, close } = await visit(browser, world, { secret: world.key })
    await page.route('**/api/v1/jobs/list*', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, headers: { ...response.headers(), 'x-jobs-version': '9.9.9' } })
    })
    await go('/jobs')
    await page.getByText('The server has another version now (9.9.9)').waitFor()
    await close()
  })

  it('a revoked token ends the page and its stream', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    const token = await makeToken(multi.sql, 'ops', 'operator')
    const { page, close } = await visit(browser, multi, { secret: token, expected: /401/ })
    await page.getByText(/^Live/).waitFor()
    await multi.sql`delete from jobsctl_tokens`
    await page.getByLabel('Key or token').waitFor()
    await close()
    await multi.stop()
  })

  it('offers single sign-on where the server has it', async () => {
    const { page, go, close } = await visit(browser, world)
    await page.route('**/api/v1/session', (route) =>
      route.fulfill({ json: { ways: ['token', 'single_sign_on'], caller: null } }),
    )
    await go('/')
    const link = page.getByRole('link', { name: 'Log in by single sign-on' })
    expect(await link.getAttribute('href')).toBe('/api/v1/session/sign-on')
    await close()
  })

  it('the theme is that of the system, or the chosen one after a reload', async () => {
    const { page, close } = await visit(browser, world, { secret: world.key, colorScheme: 'dark' })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await ground()
    await page.getByRole('button', { name: 'Theme: system' }).click()
    await page.getByRole('button', { name: 'Theme: light' }).waitFor()
    expect(await ground()).not.toBe(dark)
    await page.reload()
    await page.getByRole('button', { name: 'Theme: light' }).click()
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
    expect(await ground()).toBe(dark)
    await close()
  })
})
