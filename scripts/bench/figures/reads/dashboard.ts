import { setTimeout } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { hasBrowser, startBrowser } from '../../../chromium.ts'
import { apiKey } from '../../../launch/server.ts'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { large, manyGroups, manyGroupsCount } from '../../setup/large.ts'
import { statsPath } from './stats.ts'

/** Tells when the page painted first, and when the counts were there, in milliseconds since the address was entered. */
const watch = `
  window.shownAt = new Promise((resolve) => {
    new MutationObserver((_changes, observer) => {
      if (!document.querySelector('.queues .rows td')) return
      observer.disconnect()
      requestAnimationFrame(() => resolve(performance.now()))
    }).observe(document, { childList: true, subtree: true })
  })`
const paintedAt = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const [first] = list.getEntriesByName('first-contentful-paint')
    if (first) resolve(first.startTime)
  }).observe({ type: 'paint', buffered: true })
})`

/** Loads the overview in a profile that has only the cookie of a session. */
async function load(browser: Browser, url: string, wanted: string): Promise<number> {
  const context = await browser.newContext({ extraHTTPHeaders: { 'X-Confirm': 'true' } })
  try {
    await context.request.post(`${url}/api/v1/session`, {
      data: { key: apiKey },
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    const page = await context.newPage()
    await page.addInitScript(watch)
    await page.goto(`${url}/ui/`)
    return await page.evaluate<number>(wanted)
  } finally {
    await context.close()
  }
}

const figure = (name: string, limitMs: number, wanted: string): Figure => ({
  name,
  ...{ against: `${limitMs} ms`, unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
  async measure(bench) {
    if (!hasBrowser) return 'chromium is not installed'
    const { server } = await large(bench)
    const browser = await startBrowser()
    const side = () => load(browser, server.url, wanted)
    const pair = await measureAlternately({ rounds: 7 }, side, async () => limitMs)
    await browser.close()
    return pair
  },
})

/** The overview of many queues beside the stats of them: what it tells more, in the same snapshot. */
const againstStats: Figure = {
  name: `dashboard: overview of ${manyGroupsCount.toLocaleString('en')} groups`,
  against: 'stats, and 15 ms',
  ...{ unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
  async measure(bench) {
    const { server } = await manyGroups(bench)
    const stats = duration(() => server.api.load(statsPath))
    // One answer is for all who ask within 300 ms.
    const overview = duration(() => server.api.load('/api/v1/jobs/overview'))
    const apart = async (side: () => Promise<number>) => {
      await setTimeout(350)
      return side()
    }
    return measureAlternately(
      { rounds: 15 },
      () => apart(overview),
      async () => (await apart(stats)) + 15,
    )
  },
}

/** How long the dashboard takes without a cache, beside the large table. */
export const dashboard: readonly Figure[] = [
  againstStats,
  figure('dashboard: first paint of the overview', 300, paintedAt),
  figure('dashboard: counts of the overview', 600, 'window.shownAt'),
]
