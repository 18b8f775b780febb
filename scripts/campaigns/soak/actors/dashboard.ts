import { setTimeout as wait } from 'node:timers/promises'
import type { BrowserContext } from 'playwright-core'
import { request } from 'undici'
import { hasBrowser, startBrowser } from '../../../chromium.ts'
import { apiKey } from '../../../launch/server.ts'
import type { CallFailure } from './failures.ts'

interface Calling {
  url: string
  failures: CallFailure[]
  signal: AbortSignal
}

interface Watching extends Calling {
  /** The folder of the temporary files of the browser. */
  folder: string
}

const screens = ['/', '/jobs?status=completed', '/events', '/operations', '/history', '/queues']
/** How long a screen stays open, in milliseconds. */
const lookMs = 6000

/**
 * Keeps the dashboard open in a browser and goes from screen to screen, until `signal` aborts. Returns the number of screens that a caller who is
 * logged in saw; undefined where no browser is installed.
 */
export async function watchDashboard({ url, folder, failures, signal }: Watching): Promise<number | undefined> {
  if (!hasBrowser) return undefined
  // The campaign ends by a signal itself: Playwright would exit before the folders are removed.
  const silent = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
  const browser = await startBrowser({ ...silent, env: { ...process.env, TMPDIR: folder } })
  const note = (what: string, began: number) => failures.push({ what, server: url, began, ended: Date.now() })
  try {
    const context = await browser.newContext({ extraHTTPHeaders: { 'X-Confirm': 'true' } })
    const page = await context.newPage()
    page.on('pageerror', ({ message }) => note(`the dashboard: ${message}`, Date.now()))
    page.on('response', (response) => {
      const began = response.request().timing().startTime
      if (response.status() >= 500) note(`the dashboard: ${response.url()} is ${response.status()}`, began)
    })
    let [isLoggedIn, seen] = [false, 0]
    for (let n = 0; !signal.aborted; n++) {
      const screen = screens[n % screens.length] ?? '/'
      const began = Date.now()
      try {
        if (!isLoggedIn) await logIn(context, url)
        isLoggedIn = true
        await page.goto(`${url}/ui${screen}`)
        // The login page has no such navigation.
        await page.getByRole('navigation', { name: 'Screens' }).waitFor()
        await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
        seen += 1
      } catch (error) {
        note(`the dashboard does not show ${screen}: ${error}`, began)
      }
      await wait(lookMs, undefined, { signal }).catch(() => {})
    }
    return seen
  } finally {
    await browser.close()
  }
}

/** Gives the session of a browser the cookie of a caller. Throws an Error with the response when the server does not log the caller in. */
async function logIn(context: BrowserContext, url: string): Promise<void> {
  const response = await context.request.post(`${url}/api/v1/session`, {
    data: { key: apiKey },
    headers: { 'Sec-Fetch-Site': 'same-origin' },
  })
  if (!response.ok()) throw new Error(`a login is ${response.status()}: ${(await response.text()).slice(0, 200)}`)
}

interface Streaming extends Calling {
  path: string
  /** Opens a session and resolves to its cookie. */
  logIn: (url: string) => Promise<string>
}

/**
 * The session of a key that may do everything ends when no call was made with it for 30 minutes (docs/deploy/sessions.md). A server notes a call at
 * most once a minute.
 */
const leastIdleMs = 29 * 60_000

/**
 * Opens a stream as the dashboard does, and opens it again when it ends, until `signal` aborts. Logs in again as a person does whose
 * session was idle for too long. Returns how often a server opened the stream.
 */
export async function keepStream({ url, path, logIn, failures, signal }: Streaming): Promise<number> {
  let opened = 0
  let session: { cookie: string; usedAt: number } | undefined
  while (!signal.aborted) {
    let began = Date.now()
    try {
      session ??= { cookie: await logIn(url), usedAt: Date.now() }
      const { cookie, usedAt } = session
      const { statusCode, body } = await request(`${url}${path}`, { headers: { cookie }, signal, bodyTimeout: 60_000 })
      if (statusCode === 401 && Date.now() - usedAt > leastIdleMs) {
        await body.dump()
        session = undefined
        continue
      }
      session.usedAt = Date.now()
      if (statusCode !== 200) throw new Error(`the stream ${path} is ${statusCode}`)
      opened += 1
      for await (const _ of body) {
        // Until now the stream was in order: an outage before this moment explains no failure after it.
        began = Date.now()
        if (signal.aborted) break
      }
    } catch (error) {
      if (!signal.aborted) failures.push({ what: String(error), server: url, began, ended: Date.now() })
    }
    await wait(500, undefined, { signal }).catch(() => {})
  }
  return opened
}

/**
 * Opens a session and returns its cookie.
 * @throws Error with the response when the server does not log the caller in
 */
export async function cookieOf(url: string): Promise<string> {
  const { statusCode, headers, body } = await request(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-confirm': 'true' },
    body: JSON.stringify({ key: apiKey }),
  })
  const text = await body.text()
  const cookies = [headers['set-cookie'] ?? []].flat().map((cookie) => cookie.split(';')[0])
  if (statusCode >= 300 || cookies.length === 0) throw new Error(`a login is ${statusCode}: ${text.slice(0, 200)}`)
  return cookies.join('; ')
}
