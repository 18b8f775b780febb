import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { jobFilterFields } from '../../shared/jobs/job-filter.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import { type Meaning, times } from '../support/times.ts'
import type { World } from '../support/world.ts'

const timeFields = Object.keys(jobFilterFields).filter((name) => /_(after|before)$/.test(name))

/** Each field of a time in an address, with the call and the field of it that get its time. */
const fields = [
  ...timeFields.map((field) => ({ screen: '/jobs', field, call: '/jobs/list', sent: field })),
  { screen: '/clusters', field: 'since', call: '/jobs/clusters', sent: 'since' },
  { screen: '/history', field: 'since', call: '/jobs/history', sent: 'from' },
  { screen: '/history', field: 'from', call: '/jobs/history', sent: 'from' },
  { screen: '/history', field: 'to', call: '/jobs/history', sent: 'to' },
]

describe.skipIf(!hasBrowser)('times in the dashboard (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  let markedAt = ''
  beforeAll(async () => {
    opened = await openVisit()
    world = opened.world
    // A range that ends before it begins is what the server refuses.
    visited = await visit(opened.browser, world, { secret: world.key, expected: /422/ })
    page = visited.page
    await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' })
    const marks = await world.jobsctl(['history', '--json', '--since', '1h'])
    markedAt = JSON.parse(marks.out).marks[0].at
  })
  afterAll(() => opened?.stop())

  /** Goes to a screen within the page, as a link does. */
  const goWithin = (address: string) =>
    page.evaluate(`history.pushState(null, '', '/ui${address}'); dispatchEvent(new PopStateEvent('popstate'))`)

  it.each(fields)('$screen takes the whole grammar as $field', async ({ screen, field, call, sent }) => {
    await visited.go('/plans')
    for (const { words, past } of times) {
      const what = `${screen} ${field} ${JSON.stringify(words)}`
      const before = Date.now()
      const asked = page.waitForRequest((request) => {
        const url = new URL(request.url())
        return url.pathname.endsWith(`/api/v1${call}`) && url.searchParams.has(sent)
      })
      asked.catch(() => undefined)
      const address = `${screen}?${new URLSearchParams({ [field]: words })}`
      await goWithin(address)
      if ('wrong' in past) await page.getByRole('alert').getByText(past.wrong).first().waitFor()
      else judge(past, { value: new URL((await asked).url()).searchParams.get(sent), before, what })
      await goWithin('/plans')
      await page.getByRole('heading', { name: 'Plans' }).waitFor()
    }
    expect(visited.faults).toEqual([])
  })

  function judge(meaning: Meaning, { value, before, what }: { value: string | null; before: number; what: string }) {
    if (!('seconds' in meaning)) {
      expect(value, what).toBe('at' in meaning ? meaning.at : markedAt)
      return
    }
    const late = Date.parse(value ?? '') - before - 1000 * meaning.seconds
    expect([late >= -1000, late < 60_000], `${what} is ${value}`).toEqual([true, true])
  }

  it('the events since a mark, a day, and a time are those of the command line', async () => {
    const enqueue = () => world.jobsctl(['enqueue', 'd/q', '--job-type', 't'])
    for (const _ of [1, 2]) await enqueue()
    await world.sql`update job_events set created_at = created_at - interval '3 days' where domain = 'd'`
    for (const _ of [1, 2, 3]) await enqueue()
    const day = new Date(Date.now() - 86_400_000).toISOString()
    for (const since of ['mark:deploy 4711', '1h', day, day.slice(0, 10), '4d']) {
      const { out } = await world.jobsctl(['events', '--domain', 'd', '--since', since])
      const rows = out.split('\n').length - 1
      expect(rows, since).toBe(since === '4d' ? 5 : 3)
      await visited.go(`/events?${new URLSearchParams({ domain: 'd', since })}`)
      await expect.poll(() => page.locator('tbody tr').count()).toBe(rows)
    }
    await visited.go('/events?since=yesterday')
    await page.getByRole('alert').getByText('“yesterday” must be a time such as').waitFor()
  })

  it('a filter that somebody adds becomes a time: the list and the change of its jobs mean the same ones', async () => {
    await world.jobs(5, { domain: 'l', status: 'queued' })
    await world.sql`
      update jobs set created_at = now() - (row % 2) * interval '3 hours'
      from (select id, row_number() over (order by id) as row from jobs where domain = 'l') as l
      where l.id = jobs.id`
    await visited.go('/jobs?domain=l')
    await page.getByRole('combobox', { name: 'Filter' }).fill('created-before:2h')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(3)
    const fixed = new URL(page.url()).searchParams.get('created_before') ?? ''
    expect(fixed).toMatch(/^2\d{3}-\d\d-\d\dT[\d:.]+Z$/)
    await visited.go('/change/cancel?domain=l&created_before=2h')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('heading', { name: 'Cancel 3 jobs' }).waitFor()
    // A filter that is wrong can be removed.
    await visited.go('/jobs?domain=l&created_before=soon')
    await page.getByRole('alert').getByText('“soon” must be a time such as').waitFor()
    await page.getByRole('button', { name: /^Created before/ }).click()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(5)
    expect(visited.faults).toEqual([])
  })
})
