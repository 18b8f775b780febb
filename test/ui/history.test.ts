import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { escaped } from '../../shared/text/escape.ts'
import { makeToken } from '../support/access/tokens.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import { newDatabase } from '../support/database/database.ts'
import { untilFolded, untilKept, watchRows } from '../support/observe/history.ts'
import { openWorld, type World } from '../support/world.ts'

const hostile = `<img src=x onerror="document.title='ran'">"></script>\u202egpj.\u{1F4A3}`

/** The sums of the bars as they are drawn, by their names. */
const drawnSums = `Object.fromEntries([...document.querySelectorAll('.chart path[data-of]:not(.line)')].map((path) => [
  path.dataset.of,
  [...path.getAttribute('d').matchAll(/v([\\d.]+)h-/g)].reduce((sum, [, height]) => sum + Number(height), 0),
]))`

describe.skipIf(!hasBrowser)('history (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let browser: Browser
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, browser, visited, page } = opened)
    await untilKept(world)
    await watchRows(world.sql)
  })
  afterAll(() => opened?.stop())
  /** Unfolds the table of a chart. */
  const table = async (page: Page, title: string) => {
    const text = page.getByText(`${title} as a table`)
    await text.waitFor()
    await text.click()
    const numbers = page.getByRole('region', { name: `${title}: numbers` })
    await numbers.waitFor()
    return numbers
  }
  const timesOf = async (page: Page, title: string) => (await table(page, title)).locator('tbody th').allInnerTexts()

  it('the sums of the bars, of the tables and of SQL are the same', async () => {
    const { sql } = world
    await world.jobs(40, { status: 'queued', domain: 'media', queue: 'low' })
    await sql`update jobs set status = 'processing', acquired_at = now(), lease_id = 'l' || id where id % 2 = 0`
    await sql`update jobs set status = 'completed', completed_at = now() where id % 4 = 0`
    await sql`update jobs set status = 'failed', completed_at = now() where id % 6 = 2 and status = 'processing'`
    await sql`update jobs set status = 'queued' where id % 10 = 6 and status = 'processing'`
    await sql`update jobs set status = 'cancelled', cancelled_at = now() where id % 5 = 1 and status = 'queued'`
    const [expected] = await sql`
      select
        count(*) filter (where (was).id is null)::int as created,
        count(*) filter (where (became).status = 'processing')::int as acquired,
        count(*) filter (where (became).status = 'completed')::int as completed,
        count(*) filter (where (became).status = 'failed')::int as failed,
        count(*) filter (where (became).status = 'cancelled')::int as cancelled,
        count(*) filter (where (was).status = 'processing' and (became).status = 'queued')::int as returned,
        0 as quarantined, 0 as revived, 0 as restored
      from witness`
    expect(Object(expected).failed * Object(expected).returned * Object(expected).cancelled).toBeGreaterThan(0)
    await visited.go('/history?domain=media&queue=low&since=1h&step=1m')
    await page.getByRole('figure', { name: 'Ended' }).waitFor()
    expect(await page.evaluate<Record<string, number>>(drawnSums)).toEqual(expected)
    const { completed, failed, quarantined, cancelled } = Object(expected)
    const sums = async (title: string) => (await table(page, title)).locator('tfoot td').allInnerTexts()
    expect((await sums('Ended')).map(Number)).toEqual([completed, cancelled])
    expect((await sums('Failed')).map(Number)).toEqual([failed, quarantined])
    expect(await page.locator('path.line').count()).toBe(6)
    // A press on a minute leads to the jobs that ended in it.
    const bars = page.getByRole('figure', { name: 'Ended' }).locator('path[data-of=completed]')
    await bars.scrollIntoViewIfNeeded()
    const { x = 0, y = 0, width = 0, height = 0 } = (await bars.boundingBox()) ?? {}
    await page.mouse.click(x + width - 2, y + height / 2)
    await expect
      .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
      .toMatchObject({ domain: 'media', queue: 'low', status: 'completed,cancelled', ended_after: expect.any(String) })
    // The charts by queue are of the job type of the address.
    const [thumbnail = 0] = await world.jobs(1, {
      status: 'processing',
      domain: 'media',
      queue: 'low',
      job_type: 'tile',
    })
    await sql`update jobs set status = 'completed', completed_at = now() where id = ${thumbnail}`
    await visited.go('/history?domain=media&job_type=tile&since=1h')
    await page.getByText('The same by queue').click()
    await page.getByRole('img', { name: 'media/low: 1 completed, 0 failed' }).waitFor()
    // Another scope has none of it.
    await visited.go('/history?domain=media&queue=high')
    await page.getByRole('figure', { name: 'Ended' }).getByText('none in this time').waitFor()
    expect(Object.values(await page.evaluate<Record<string, number>>(drawnSums)).every((sum) => sum === 0)).toBe(true)
    expect(visited.faults).toEqual([])
  })

  it('the charts by queue of the past are of the queues that had jobs then', async () => {
    const now = Array.from({ length: 13 }, (_, at) => `now-${String(at).padStart(2, '0')}`)
    await world.sql`
      insert into jobs (domain, queue, job_type, status, created_at, updated_at, available_at)
      select 'many', queue, 't', 'queued', at, at, at
      from (select unnest(${now}::text[]), now(), 5 union all select 'then', now() - interval '3 hours', 1) as of (queue, at, jobs)
      cross join generate_series(1, jobs)`
    const ago = (hours: number) => new Date(Date.now() - 3_600_000 * hours).toISOString()
    await visited.go(`/history?domain=many&from=${ago(2)}&to=${ago(1)}`)
    await page.getByText('The same by queue').click()
    const charts = page.getByRole('img', { name: /^many\// })
    await charts.first().waitFor()
    expect(await charts.first().getAttribute('aria-label')).toMatch(/^many\/then: /)
    await visited.go('/history?domain=many&since=1h')
    await page.getByText('The same by queue').click()
    await charts.first().waitFor()
    expect(await charts.first().getAttribute('aria-label')).toMatch(/^many\/now-/)
    expect(visited.faults).toEqual([])
  })

  it('marks and changes are lines of the charts, with the way to the record; texts of strangers stay text', async () => {
    await world.jobs(3, { status: 'failed', domain: 'marked' })
    await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' })
    await world.sql`insert into jobsctl_marks (text, caller) values (${hostile}, ${hostile})`
    await world.confirm('/api/v1/jobs/retry-now', { domain: 'marked' }, { 'x-reason': 'the mailer is back' })
    await visited.go('/history?domain=marked&since=1h')
    await page.getByRole('cell', { name: 'deploy 4711' }).waitFor()
    await page
      .getByRole('cell', { name: escaped(hostile) })
      .first()
      .waitFor()
    const chart = page.getByRole('figure', { name: 'Came in' })
    // Both are of the same moment, and there is room for one name.
    await chart.locator('.labels').getByText(escaped(hostile)).waitFor()
    expect([await chart.locator('i.mark').count(), await chart.locator('i.change').count()]).toEqual([2, 1])
    await page.getByRole('link', { name: /^retry: 3 jobs, the mailer is back/ }).click()
    await page.getByRole('heading', { name: /^Operation / }).waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(visited.faults).toEqual([])
  })

  it('times are in UTC, or local: right where clocks change, and half an hour off', async () => {
    // The hours before and after the clocks of Berlin change, in a year that no retention reaches.
    const hours = ['2030-10-27T00:00Z', '2030-10-27T01:00Z', '2030-03-31T00:00Z', '2030-03-31T01:00Z']
    for (const hour of hours)
      await world.sql`
        insert into jobsctl_history_hours (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
        values (${hour}, 'clocks', 'q', 't', '', 'queued', 5, 0)`
    const autumn = '/history?domain=clocks&from=2030-10-26T20:00:00Z&to=2030-10-27T06:00:00Z&step=1h'
    const spring = '/history?domain=clocks&from=2030-03-30T20:00:00Z&to=2030-03-31T06:00:00Z&step=1h'
    const shownIn = async (timezoneId: string, address: string) => {
      const there = await visit(browser, world, { secret: world.key, timezoneId })
      await there.go(address)
      const utc = await timesOf(there.page, 'Came in')
      await there.page.getByLabel('Times in').selectOption('local')
      await expect.poll(() => new URL(there.page.url()).searchParams.get('zone')).toBe('local')
      const times = there.page.getByRole('region', { name: 'Came in: numbers' }).locator('tbody th')
      // Each local time of these has its difference to UTC.
      await expect.poll(() => times.first().textContent()).toMatch(/ [+]\d\d:\d\d$/)
      const local = await times.allInnerTexts()
      expect(there.faults).toEqual([])
      return { there, utc, local }
    }
    const berlin = await shownIn('Europe/Berlin', autumn)
    expect(berlin.utc).toEqual(['2030-10-27 00:00', '2030-10-27 01:00'])
    expect(berlin.local).toEqual(['2030-10-27 02:00 +02:00', '2030-10-27 02:00 +01:00'])
    await berlin.there.close()
    const later = await shownIn('Europe/Berlin', spring)
    expect(later.local).toEqual(['2030-03-31 01:00 +01:00', '2030-03-31 03:00 +02:00'])
    await later.there.close()
    const { there, local } = await shownIn('Asia/Kolkata', autumn)
    expect(local).toEqual(['2030-10-27 05:30 +05:30', '2030-10-27 06:30 +05:30'])
    await there.page.getByLabel('From', { exact: true }).fill('2030-10-27T06:30')
    await there.page.getByRole('button', { name: 'Show' }).click()
    await expect.poll(() => new URL(there.page.url()).searchParams.get('from')).toBe('2030-10-27T01:00:00.000Z')
    const rows = there.page.getByRole('region', { name: 'Came in: numbers' }).locator('tbody th')
    await expect.poll(() => rows.allInnerTexts()).toEqual(['2030-10-27 06:30 +05:30'])
    await there.close()
  })

  it('a range that begins in an hour that comes twice stays as it is where nobody has changed it', async () => {
    const berlin = await visit(browser, world, { secret: world.key, timezoneId: 'Europe/Berlin' })
    await berlin.go('/history?from=2030-10-27T01:00:00Z&to=2030-10-27T04:00:00Z&step=1h&zone=local')
    await berlin.page.getByText('10-27 02:00 +01:00').first().waitFor()
    await berlin.page.getByRole('button', { name: 'Show', exact: true }).click()
    const from = () => Date.parse(new URL(berlin.page.url()).searchParams.get('from') ?? '')
    expect(from()).toBe(Date.parse('2030-10-27T01:00:00Z'))
    await berlin.page.getByLabel('From').fill('2030-10-26T10:00')
    await berlin.page.getByRole('button', { name: 'Show', exact: true }).click()
    await expect.poll(from).toBe(Date.parse('2030-10-26T08:00:00Z'))
    await berlin.close()
  })

  it('range, step and scope are in the address, and a step leads to itself in shorter ones', async () => {
    await visited.go('/history?domain=clocks&from=2030-10-26T20:00:00Z&to=2030-10-27T06:00:00Z&step=1h')
    const shown = await timesOf(page, 'Came in')
    const fresh = await visit(browser, world, { secret: world.key })
    await fresh.page.goto(page.url())
    expect(await timesOf(fresh.page, 'Came in')).toEqual(shown)
    await fresh.close()
    await page.getByRole('link', { name: shown[0] ?? '', exact: true }).click()
    await expect
      .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
      .toEqual({ domain: 'clocks', from: '2030-10-27T00:00:00.000Z', to: '2030-10-27T01:00:00.000Z' })
    await page.getByLabel('Step').selectOption('5m')
    await expect.poll(() => new URL(page.url()).searchParams.get('step')).toBe('5m')
    await page.goBack()
    await page.goBack()
    await expect.poll(() => new URL(page.url()).searchParams.get('step')).toBe('1h')
    // A press on a bar does the same.
    const chart = page.getByRole('figure', { name: 'Came in' }).getByRole('img')
    const { width = 0 } = (await chart.boundingBox()) ?? {}
    await chart.click({ position: { x: (4.5 / 10) * width, y: 5 } })
    await expect.poll(() => new URL(page.url()).searchParams.get('from')).toBe('2030-10-27T00:00:00.000Z')
  })

  it('a minute that changes late is told', async () => {
    await world.jobs(1, { status: 'queued', domain: 'late' })
    await visited.go('/history?domain=late&since=1h&step=1m')
    await page.getByRole('figure', { name: 'Ended' }).waitFor()
    await world.sql`
      insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
      values ('late', 'q', 't', '', 'queued', date_trunc('minute', now()) - interval '20 minutes', 4)`
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText(/^A step that was over has changed .* because a transaction committed late/).waitFor()
    await untilFolded(world)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText(/^A step that was over has changed/).waitFor({ state: 'detached' })
  })

  it('a wrong range is what the server says of it, and an unknown parameter is told', async () => {
    const wrong = await visit(browser, world, { secret: world.key, expected: /422/ })
    await wrong.go('/history?colour=red&since=yesterday')
    await wrong.page.getByText('The address has colour, which this screen does not know').waitFor()
    await wrong.page.getByRole('alert').getByText('must be a time such as').first().waitFor()
    for (const address of ['since=999999999w', 'since=6h&to=x']) {
      await wrong.go(`/history?${address}`)
      await wrong.page.getByRole('alert').getByText('must be a time such as').first().waitFor()
    }
    expect(wrong.faults).toEqual([])
    await wrong.close()
  })

  it('where history is off, it says so and what to type', async () => {
    const off = await openWorld('postgres', { JOBS_HISTORY: 'off' })
    const { page, go, faults, close } = await visit(browser, off, { secret: off.key })
    await go('/history')
    await page.getByText('JOBS_HISTORY=on', { exact: true }).waitFor()
    expect(faults).toEqual([])
    await close()
    await off.stop()
  })

  it('a viewer reads it', async () => {
    const multi = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, newDatabase('postgres'))
    await untilKept(multi)
    await multi.jobs(2, { status: 'queued', domain: 'media' })
    const token = await makeToken(multi.sql, 'wall', 'viewer')
    const viewer = await visit(browser, multi, { secret: token })
    await viewer.go('/history?since=1h')
    await viewer.page.getByRole('figure', { name: 'Came in' }).getByText('created 2').waitFor()
    expect(viewer.faults).toEqual([])
    await viewer.close()
    await multi.stop()
  })
})
