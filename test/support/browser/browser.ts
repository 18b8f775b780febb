import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { startBrowser } from '../../../scripts/chromium.ts'
import { until } from '../poll.ts'
import { openWorld, type World } from '../world.ts'

/** The longest that a test waits for what a page shows: a machine four times as slow, with other work on it. */
const patienceMs = 60_000

export interface VisitOptions {
  /** The key or token to log in with; absent leaves the browser without a session. */
  secret?: string | undefined
  width?: number
  colorScheme?: 'light' | 'dark'
  /** The time zone of the browser, such as `Europe/Berlin`; that of this machine where it is absent. */
  timezoneId?: string
  /** Where the dashboard is, without a slash at its end; the server's own address where it is absent. */
  root?: string
  /** Texts of the console that this test makes happen. */
  expected?: RegExp
}

/** A browser profile of its own with one page, and what went wrong in it. */
export interface Visit {
  page: Page
  context: BrowserContext
  /** Errors of the console and the page, violations of its policy, and requests to other origins. */
  faults: string[]
  /** Goes to a screen of the dashboard by its address below the root, such as `/jobs?status=failed`. */
  go: (screen: string) => Promise<void>
  close: () => Promise<void>
}

/** Opens the dashboard in a profile of its own, logged in where a secret is given. */
export async function visit(browser: Browser, world: Pick<World, 'url'>, options: VisitOptions = {}): Promise<Visit> {
  const { secret, width = 1280, colorScheme = 'light', timezoneId, root = world.url, expected = /^$/ } = options
  const look = { viewport: { width, height: 800 }, colorScheme, reducedMotion: 'reduce' } as const
  const context = await browser.newContext({ ...look, ...(timezoneId !== undefined && { timezoneId }) })
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  const faults: string[] = []
  const note = (text: string) => {
    if (!expected.test(text)) faults.push(text)
  }
  page.on('console', (message) => message.type() === 'error' && note(message.text()))
  page.on('pageerror', ({ message }) => note(message))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol.startsWith('http') && url.origin !== new URL(root).origin)
      faults.push(`a request to ${url.origin}`)
  })
  const go = async (screen: string) => {
    await page.goto(`${root}/ui${screen}`)
    await page.locator('h1').waitFor()
  }
  if (secret !== undefined) {
    await go('/')
    await page.getByLabel('Key or token').fill(secret)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  }
  return { page, context, faults, go, close: () => context.close() }
}

/** A server on a database of its own, and a browser that is logged in there with its key. */
export interface OpenedVisit {
  world: World
  browser: Browser
  visited: Visit
  page: Page
  stop: () => Promise<void>
}

/** Starts a server on PostgreSQL and a browser, and logs in. What has started is stopped again where the rest does not. */
export async function openVisit(): Promise<OpenedVisit> {
  const world = await openWorld('postgres')
  let browser: Browser | undefined
  const stop = async () => {
    await browser?.close()
    await world.stop()
  }
  try {
    browser = await startBrowser()
    const visited = await visit(browser, world, { secret: world.key })
    return { world, browser, visited, page: visited.page, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Presses a button that copies a text, and reads what it has copied. */
export async function copiedBy(button: Locator): Promise<string> {
  const page = button.page()
  // What was copied before may still be told.
  await page.evaluate("navigator.clipboard.writeText('')")
  await button.click()
  return until('a text is copied', async () => {
    const text = await page.evaluate<string>('navigator.clipboard.readText()')
    return text === '' ? undefined : text
  })
}

/** Goes to a control by Tab alone. */
export async function tabTo(page: Page, control: Locator): Promise<void> {
  await control.waitFor()
  for (let at = 0; at < 60; at++) {
    if ((await control.and(page.locator(':focus')).count()) > 0) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${control} is not reached by Tab`)
}

/** Goes to a button by Tab alone and presses it. */
export async function pressByKeyboard(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, page.getByRole('button', { name, exact: typeof name === 'string' }))
  await page.keyboard.press('Enter')
}

/** What the browser tells the page when its tab is hidden, or seen again. */
export const setHidden = (hidden: boolean): string => `
  Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))`
