import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { escaped } from '../../shared/text/escape.ts'
import { makeToken } from '../support/access/tokens.ts'
import { copiedBy, type OpenedVisit, openVisit, setHidden, type Visit, visit } from '../support/browser/browser.ts'
import { newDatabase } from '../support/database/database.ts'
import { openWire } from '../support/streams/cut-wire.ts'
import { openWorld, type World } from '../support/world.ts'

const hostile = `<img src=x onerror="document.title='ran'">"></script>\u202egpj.\u{1F4A3}`

describe.skipIf(!hasBrowser)('the event log (needs chromium)', () => {
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

  /** Writes events, as jobs of a domain do. */
  const write = (count: number, domain: string, queue = 'default') => world.sql`
    insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
    select n, ${domain}, ${queue}, 'export', 'job.completed', '{"retry_count": 2}' from generate_series(1, ${count}::int) as n`
  /** The ids of a domain, the newest first. */
  const stored = async (domain: string): Promise<string[]> => {
    const rows = await world.sql<{ id: string }[]>`
      select id::text as id from job_events where domain = ${domain} order by job_events.id desc`
    return rows.map(({ id }) => id)
  }
  const shownOn = (page: Page): Promise<string[]> => page.locator('tbody tr:not(.space) td:first-child').allInnerTexts()
  const shown = () => shownOn(page)
  /** How many rows a tail has, of which those are drawn that are seen, and the ids of these. */
  const followed = async (): Promise<[rows: number, ids: string[]]> => {
    const rows = Number((await page.getByRole('table').getAttribute('aria-rowcount')) ?? Number.NaN) - 1
    return [rows, (await shown()).slice(0, 30)]
  }

  it('shows the last events, and new ones as they come', async () => {
    await write(70, 'tail')
    await visited.go('/events?domain=tail')
    await expect.poll(shown).toEqual((await stored('tail')).slice(0, 50))
    await page.getByText('Live', { exact: true }).waitFor()
    await write(3, 'tail')
    await write(2, 'another')
    await expect.poll(shown).toEqual((await stored('tail')).slice(0, 53))
    await page.getByText('3 new').waitFor()
    await page.getByText('retry_count=2').first().waitFor()
    expect(visited.faults).toEqual([])
  })

  it('a pause keeps the place, in its address too, and going on misses none and repeats none', async () => {
    await write(5, 'paused')
    await visited.go('/events?domain=paused')
    await expect.poll(shown).toEqual(await stored('paused'))
    await page.getByText('Live', { exact: true }).waitFor()
    await write(5, 'paused')
    await expect.poll(shown).toEqual(await stored('paused'))
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    const kept = await shown()
    await page.getByText('Paused', { exact: true }).waitFor()
    await write(30, 'paused')
    const fresh = await visit(browser, world, { secret: world.key })
    await fresh.page.goto(page.url())
    await expect.poll(() => shownOn(fresh.page)).toEqual(kept)
    // Another page that follows has the events by now.
    await fresh.go('/events?domain=paused')
    await expect.poll(() => shownOn(fresh.page)).toEqual(await stored('paused'))
    await fresh.close()
    expect(await shown()).toEqual(kept)
    await page.getByRole('button', { name: 'Go on from here' }).click()
    await expect.poll(shown).toEqual(await stored('paused'))
    await write(3, 'paused')
    await expect.poll(shown).toEqual(await stored('paused'))
    await page.goBack()
    await expect.poll(shown).toEqual(kept)
    expect(visited.faults).toEqual([])
  })

  it('events that were written while the connection was cut, or the tab was hidden, are all there once', async () => {
    const wire = await openWire(world.url)
    const cut = await visit(browser, world, { secret: world.key, root: wire.origin, expected: /ERR_/ })
    await write(5, 'cut')
    await cut.go('/events?domain=cut')
    await cut.page.getByText('Live', { exact: true }).waitFor()
    await write(5, 'cut')
    await expect.poll(() => shownOn(cut.page)).toEqual(await stored('cut'))
    wire.cut()
    await write(40, 'cut')
    await cut.page.getByText('The server does not answer').waitFor()
    wire.mend(world.url)
    await expect.poll(() => shownOn(cut.page)).toEqual(await stored('cut'))
    await cut.page.evaluate(setHidden(true))
    await write(40, 'cut')
    await cut.page.evaluate(setHidden(false))
    await expect.poll(() => shownOn(cut.page)).toEqual(await stored('cut'))
    expect(cut.faults).toEqual([])
    await cut.close()
    wire.stop()
  })

  it('of a flood the last 200 are kept, and the pages before them have the others', async () => {
    await visited.go('/events?domain=flood&limit=200')
    await page.getByText('Live', { exact: true }).waitFor()
    await write(1000, 'flood')
    const all = await stored('flood')
    await expect.poll(followed).toEqual([200, all.slice(0, 30)])
    await page.getByText('1,000 new; the last 200 are shown').waitFor()
    const older = page.getByRole('link', { name: 'Older', exact: true })
    await older.click()
    await expect.poll(shown).toEqual(all.slice(200, 250))
    await older.click()
    await expect.poll(shown).toEqual(all.slice(250, 300))
    await page.getByRole('link', { name: 'Newer', exact: true }).click()
    await expect.poll(shown).toEqual(all.slice(200, 250))
  })

  it('a flood of events is drawn once in four seconds, and the page stays as small', async () => {
    await visited.go('/events?domain=rush')
    await page.getByText('Live', { exact: true }).waitFor()
    await write(200, 'rush')
    await expect.poll(async () => (await followed())[0]).toBe(200)
    expect((await shown()).length).toBeLessThan(100)
    // A drawing replaces the first row.
    await page.evaluate(`
      window.drawn = 0
      window.began = performance.now()
      new MutationObserver(() => { window.drawn++ }).observe(document.querySelector('tbody'), { childList: true })`)
    const look = async () => {
      const cdp = await page.context().newCDPSession(page)
      await cdp.send('HeapProfiler.collectGarbage')
      const { usedSize } = await cdp.send('Runtime.getHeapUsage')
      await cdp.detach()
      return usedSize / 1e6
    }
    const before = await look()
    for (let n = 0; n < 60; n++) await write(500, 'rush')
    const last = await stored('rush')
    await expect.poll(followed, { timeout: 30_000 }).toEqual([200, last.slice(0, 30)])
    const [drawn, seconds] = await page.evaluate<[number, number]>('[drawn, (performance.now() - began) / 1000]')
    expect(drawn).toBeLessThanOrEqual(3 + seconds / 3)
    expect((await look()) - before).toBeLessThan(10)
    expect(visited.faults).toEqual([])
  })

  it('a time in the detail of an event is said by how long ago it is', async () => {
    const at = new Date(Date.now() - 7_200_000).toISOString()
    await world.sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
      values (1, 'timed', 'q', 't', 'job.noted', ${JSON.stringify({ available_at: at, note: `until ${at}` })}::text::jsonb)`
    await visited.go('/events?domain=timed')
    const row = page.getByRole('row').filter({ hasText: 'job.noted' })
    await row.getByText('available_at=2 h ago').waitFor()
    expect(await row.locator('time').last().getAttribute('title')).toBe(at)
    await row.getByText(`note="until ${at}"`).waitFor()
  })

  it('filters by the words of the flags, and copies them as a command', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await write(2, 'words', 'high')
    await write(3, 'words', 'low')
    await visited.go('/events?domain=words')
    await expect.poll(async () => (await shown()).length).toBe(5)
    await page.getByRole('combobox', { name: 'Filter' }).fill('queue:low')
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await shown()).length).toBe(3)
    const copied = () => copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }))
    expect(await copied()).toBe('jobsctl events --domain words --queue low --follow')
    await page.getByRole('combobox', { name: 'Filter' }).fill('since:1h')
    await page.keyboard.press('Enter')
    await page.getByText('Paused', { exact: true }).waitFor()
    await expect.poll(async () => (await shown()).length).toBe(3)
    expect(new URL(page.url()).search).toBe('?domain=words&queue=low&since=1h')
    await expect.poll(copied).toBe('jobsctl events --domain words --queue low --since 1h')
    const told = await world.jobsctl([...(await copied()).split(' ').slice(1), '--ndjson'])
    expect(told.out.trim().split('\n')).toHaveLength(3)
  })

  it('since a time, the page begins with its first event', async () => {
    await write(20, 'since')
    await world.sql`
      update job_events set created_at = now() - interval '3 hours'
      where domain = 'since' and id < (select max(id) - 6 from job_events where domain = 'since')`
    await visited.go('/events?domain=since&since=2h')
    await expect.poll(shown).toEqual((await stored('since')).slice(0, 7))
  })

  it('what is wrong with the address is told', async () => {
    const wrong = await visit(browser, world, { secret: world.key, expected: /422/ })
    await wrong.go('/events?colour=red&since=yesterday')
    await wrong.page.getByText('The address has colour, which this screen does not know').waitFor()
    await wrong.page.getByRole('alert').getByText('“yesterday” must be a time such as').waitFor()
    await wrong.go('/events?after=x&follow=true')
    await wrong.page.getByRole('alert').getByText('“x” is not the id of an event.').waitFor()
    await wrong.go('/events?after=x')
    await wrong.page.getByRole('alert').getByText('must be a whole number').first().waitFor()
    await wrong.go('/events?after=9007199254740991&follow=true')
    await wrong.page.getByText('The event log has given out no id that high').waitFor()
    expect(wrong.faults).toEqual([])
    await wrong.close()
  })

  it('shows texts of strangers as text, also in one whole event', async () => {
    const [event] = await world.sql<{ id: number }[]>`
      insert into job_events (domain, queue, job_type, event_type, owner_user_id, attrs_json)
      values ('strange', ${hostile}, ${hostile}, ${hostile}, ${hostile}, ${JSON.stringify({ [hostile]: hostile })}::text::jsonb)
      returning id`
    await visited.go('/events?domain=strange')
    await expect.poll(() => page.getByText(escaped(hostile)).count()).toBeGreaterThan(2)
    await page.getByRole('link', { name: String(event?.id), exact: true }).click()
    await page.locator('pre.json').getByText('owner_user_id').waitFor()
    expect(await page.title()).toBe('Events · jobsctl')
    expect(await page.locator('img').count()).toBe(0)
    expect(visited.faults).toEqual([])
  })

  it('a viewer follows the log', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    const token = await makeToken(multi.sql, 'wall', 'viewer')
    const viewer = await visit(browser, multi, { secret: token })
    await viewer.go('/events')
    await viewer.page.getByText('Live', { exact: true }).waitFor()
    await multi.sql`insert into job_events (domain, job_id, event_type) values ('media', 7, 'job.completed')`
    await viewer.page.getByText('job.completed').waitFor()
    expect(viewer.faults).toEqual([])
    await viewer.close()
    await multi.stop()
  })
})
