import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { setHidden, visit } from '../../support/browser/browser.ts'
import { startServer } from '../../support/programs/built.ts'
import { openWire } from '../../support/streams/cut-wire.ts'
import { openWorld, type World } from '../../support/world.ts'

/** How long events are written, in seconds: `UI_FLOOD_SECONDS=600` is the campaign. */
const floodSeconds = Number(process.env.UI_FLOOD_SECONDS ?? 20)
const perSecond = 1000

/** What a page costs: numbers of its elements, bytes of its heap after a collection, and seconds of processor time of its main thread. */
async function costOf(page: Page, debug: CDPSession) {
  await debug.send('HeapProfiler.collectGarbage')
  const { metrics } = await debug.send('Performance.getMetrics')
  const metric = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN
  const elements = await page.evaluate<number>('document.querySelectorAll("*").length')
  return { elements, nodes: metric('Nodes'), heap: metric('JSHeapUsedSize'), busy: metric('TaskDuration') }
}

describe.skipIf(!hasBrowser)('tabs that stay open (needs chromium)', () => {
  let world: World
  let browser: Browser
  beforeAll(async () => {
    world = await openWorld('postgres')
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })

  it('of eight tabs those that are hidden ask nothing, and each goes on when it is seen, after a restart of the server too', async () => {
    const wire = await openWire(world.url)
    const visited = await visit(browser, world, { secret: world.key, root: wire.origin, expected: /ERR_/ })
    const pages = [visited.page]
    while (pages.length < 8) pages.push(await visited.context.newPage())
    const asked = new Map(pages.map((page) => [page, 0]))
    for (const [at, page] of pages.entries()) {
      await page.goto(`${wire.origin}/ui/${at % 2 === 0 ? '' : 'events'}`)
      await page.getByText(/^Live/).waitFor()
      await page.evaluate(setHidden(true))
      await page.getByText('The server does not answer').waitFor()
      page.on('request', () => asked.set(page, (asked.get(page) ?? 0) + 1))
    }
    const [first, ...others] = pages
    if (!first) throw new Error('there is no page')
    const seconds: number[] = []
    const goesOn = async (page: Page, since = performance.now()) => {
      const live = page.getByText(/^Live/).waitFor()
      await live.catch((cause: unknown) => {
        throw new Error(`tab ${seconds.length + 1} does not go on; those before it took ${seconds.join(', ')} s`, {
          cause,
        })
      })
      seconds.push((performance.now() - since) / 1000)
    }
    await first.evaluate(setHidden(false))
    await goesOn(first)
    seconds.length = 0
    const second = await startServer(world.env)
    await second.prepared
    wire.cut()
    await first.getByText('The server does not answer').waitFor()
    const mended = performance.now()
    wire.mend(second.url)
    await goesOn(first, mended)
    expect(others.map((page) => asked.get(page))).toEqual(others.map(() => 0))
    await first.evaluate(setHidden(true))
    for (const page of others) {
      const seen = performance.now()
      await page.evaluate(setHidden(false))
      await goesOn(page, seen)
      await page.evaluate(setHidden(true))
    }
    expect(visited.faults).toEqual([])
    await visited.close()
    await second.stop()
    wire.stop()
  })

  it(
    'a thousand events a second leave the page as large as it was',
    async () => {
      const { page, go, faults, close } = await visit(browser, world, { secret: world.key })
      const write = (count: number) => world.sql`
        insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
        select n, 'flood', 'default', 'export', 'job.completed', jsonb_build_object('worker_id', 'w' || n, 'retry_count', n % 3)
        from generate_series(1, ${count}::int) as n`
      await go('/events?domain=flood')
      await page.getByText('Live', { exact: true }).waitFor()
      await write(perSecond)
      await page.getByText('1,000 new').waitFor()
      const debug = await page.context().newCDPSession(page)
      await debug.send('Performance.enable', { timeDomain: 'threadTicks' })
      const before = await costOf(page, debug)
      const began = performance.now()
      let written = 0
      while (written < floodSeconds * perSecond) {
        const due = Math.floor(((performance.now() - began) / 1000) * perSecond) - written
        if (due >= 100) written += (await write(due)).count
        else await page.waitForTimeout(20)
      }
      await page.getByText(`${(written + perSecond).toLocaleString('en')} new`).waitFor()
      const seconds = (performance.now() - began) / 1000
      const after = await costOf(page, debug)
      const cost = [
        `${written} events in ${seconds.toFixed(1)} s: heap ${((after.heap - before.heap) / 1e6).toFixed(2)} MB more,`,
        `${after.nodes - before.nodes} nodes more, main thread ${((100 * (after.busy - before.busy)) / seconds).toFixed(1)} %`,
      ].join(' ')
      if (process.env.UI_FLOOD_SECONDS !== undefined) console.log(cost)
      // Of 200 rows those in sight are drawn.
      expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('201')
      expect(after.elements, cost).toBeLessThan(before.elements + 20)
      expect(after.nodes, cost).toBeLessThan(before.nodes + 2000)
      expect(after.heap - before.heap, cost).toBeLessThan(10_000_000)
      expect(faults).toEqual([])
      await close()
    },
    120_000 + 3000 * floodSeconds,
  )
})
