import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { hasBrowser, startBrowser } from '../../../chromium.ts'
import { apiKey } from '../../stress/actors/caller.ts'
import type { CallFailure } from './failures.ts'

interface Watching {
  servers: readonly string[]
  failures: CallFailure[]
  signal: AbortSignal
}

const screens = ['/', '/jobs?status=completed', '/events', '/operations', '/history', '/queues']
/** How long a screen stays open, in milliseconds. */
const lookMs = 6000

/**
 * Keeps the dashboard open in a browser and goes from screen to screen, until `signal` aborts. Returns the number of screens; undefined where no
 * browser is installed.
 */
export async function watchDashboard({ servers: [url = ''], failures, signal }: Watching): Promise<number | undefined> {
  if (!hasBrowser) return undefined
  const browser = await startBrowser()
  const note = (what: string) => failures.push({ what, server: url, began: Date.now(), ended: Date.now() })
  try {
    const context = await browser.newContext({ extraHTTPHeaders: { 'X-Confirm': 'true' } })
    await context.request.post(`${url}/api/v1/session`, {
      data: { key: apiKey },
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    const page = await context.newPage()
    page.on('pageerror', ({ message }) => note(`the dashboard: ${message}`))
    page.on('response', (response) => {
      if (response.status() >= 500) note(`the dashboard: ${response.url()} is ${response.status()}`)
    })
    let seen = 0
    for (; !signal.aborted; seen++) {
      const screen = screens[seen % screens.length] ?? '/'
      await page
        .goto(`${url}/ui${screen}`)
        .then(() => page.locator('h1').waitFor())
        .catch((error: unknown) => note(`the dashboard does not show ${screen}: ${error}`))
      await wait(lookMs, undefined, { signal }).catch(() => {})
    }
    return seen
  } finally {
    await browser.close()
  }
}

/** Opens a stream as the dashboard does, with the cookie of a session, and opens it again when it ends. */
export async function keepStream(url: string, path: string, { failures, signal }: Watching): Promise<void> {
  let cookie = ''
  while (!signal.aborted) {
    const began = Date.now()
    try {
      cookie ||= await login(url, signal)
      const { statusCode, body } = await request(`${url}${path}`, { headers: { cookie }, signal, bodyTimeout: 60_000 })
      if (statusCode !== 200) throw new Error(`the stream ${path} is ${statusCode}`)
      for await (const _ of body) if (signal.aborted) break
    } catch (error) {
      if (!signal.aborted) failures.push({ what: String(error), server: url, began, ended: Date.now() })
    }
    await wait(500, undefined, { signal }).catch(() => {})
  }
}

async function login(url: string, signal: AbortSignal): Promise<string> {
  const { statusCode, headers, body } = await request(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-confirm': 'true' },
    body: JSON.stringify({ key: apiKey }),
    signal,
  })
  const text = await body.text()
  const cookies = [headers['set-cookie'] ?? []].flat().map((cookie) => cookie.split(';')[0])
  if (statusCode >= 300 || cookies.length === 0) throw new Error(`a login is ${statusCode}: ${text.slice(0, 200)}`)
  return cookies.join('; ')
}
