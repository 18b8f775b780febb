import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { hasBrowser } from '../../scripts/chromium.ts'
import { stats } from '../../shared/queues/stats.ts'
import { violations } from '../support/browser/axe.ts'
import { type OpenedVisit, openVisit, setHidden, type Visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('operations and the overview (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
  })
  afterAll(() => opened?.stop())

  it('an undo is previewed and gives back, and is offered as long as it is possible', async () => {
    await world.jobs(4, { status: 'quarantined' })
    await world.confirm('/api/v1/jobs/batch/requeue_quarantined', { domain: 'chatbooks' }, { 'x-reason': 'tried' })
    await visited.go('/operations')
    await page
      .getByRole('row', { name: /requeue/ })
      .getByRole('link')
      .first()
      .click()
    await page.getByText('tried').waitFor()
    await world.sql`update jobs set status = 'completed', updated_at = now() where id in (select id from jobs order by id limit 1)`
    await page.getByRole('button', { name: 'Preview the undo' }).click()
    await page.getByText('1 job cannot come back').waitFor()
    expect(await page.getByRole('region', { name: 'Preview' }).textContent()).not.toMatch(/ old|be undone/)
    await page.getByRole('button', { name: 'Give back 3 jobs' }).click()
    await page.getByText('3 jobs given back').waitFor()
    expect(await world.sql`select status, count(*)::int as jobs from jobs group by status order by status`).toEqual([
      { status: 'completed', jobs: 1 },
      { status: 'quarantined', jobs: 3 },
    ])
    await visited.go('/operations')
    await expect.poll(() => page.getByRole('cell', { name: 'undo', exact: true }).count()).toBe(1)
    expect(visited.faults).toEqual([])
  })

  it('the undo of a cancel says how many running jobs are no longer asked to end', async () => {
    const ids = await world.jobs(3, { status: 'processing' })
    const { body } = await world.confirm('/api/v1/jobs/batch/cancel', { ids })
    await visited.go(`/operations/${z.object({ operation_id: z.number() }).parse(body).operation_id}`)
    await page.getByRole('button', { name: 'Preview the undo' }).click()
    await page.getByRole('button', { name: 'Give back 3 jobs' }).click()
    await page.getByText('3 jobs given back, of them 3 jobs that run: their workers are no longer asked').waitFor()
    await world.sql`delete from jobs`
  })

  it('the chain is whole until a record is altered in SQL', async () => {
    await visited.go('/operations')
    await page.getByText('The chain is whole').waitFor()
    const [record] = await world.sql<{ id: number }[]>`
      update job_operations set reason = 'altered' where id = (select min(id) from job_operations) returning id`
    await page.getByRole('button', { name: 'Check again' }).click()
    await page.getByText(`The chain is broken. Not as they were sealed: ${record?.id}.`).waitFor()
  })

  it('a filter of the address is shown, and taken away', async () => {
    await visited.go('/operations?caller=nobody')
    await page.getByText('No record matches.').waitFor()
    await page.getByRole('button', { name: /: nobody/ }).click()
    await page.getByRole('region', { name: 'Operations' }).waitFor()
    expect(new URL(page.url()).search).toBe('')
  })

  it('another page of the records is no filter, and goes with the filter that is taken away', async () => {
    await visited.go('/operations?caller=nobody&before_id=1')
    await page.getByText('No record matches.').waitFor()
    expect(await page.getByRole('button', { name: /^before_id/ }).count()).toBe(0)
    await page.getByRole('button', { name: /: nobody/ }).click()
    await page.getByRole('region', { name: 'Operations' }).waitFor()
    expect(new URL(page.url()).search).toBe('')
  })

  it('records are found by the words of the filter, and by a press on who made them', async () => {
    await world.jobs(1, { status: 'queued', domain: 'found' })
    await world.confirm('/api/v1/jobs/batch/cancel', { domain: 'found' })
    await visited.go('/operations')
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.fill('kin')
    await page.getByRole('option', { name: 'kind: Kind' }).click()
    await box.pressSequentially('canc')
    await page.getByRole('option', { name: 'kind:cancel' }).click()
    await box.pressSequentially('domain:found')
    await box.press('Enter')
    await expect.poll(() => new URL(page.url()).search).toBe('?domain=found&kind=cancel')
    const rows = page.getByRole('region', { name: 'Operations' }).getByRole('row')
    await expect.poll(() => rows.count()).toBe(2)
    expect(await page.getByLabel('Show').inputValue()).toBe('cancel')
    expect(await page.title()).toMatch(/^Operations · found · /)
    await rows.nth(1).getByRole('link').last().click()
    await expect.poll(() => new URL(page.url()).search).toBe('?domain=found&kind=cancel&caller=single-user')
    await page.getByLabel('Show').selectOption('acts')
    await page.getByText('No record matches.').waitFor()
    expect(visited.faults).toEqual([])
  })

  it('the sums of the overview are those of the API, and follow what happens', async () => {
    await world.jobs(6, { status: 'queued', domain: 'media', queue: 'low' })
    await world.confirm('/api/v1/jobs/queue/control', {
      domain: 'media',
      queue: 'low',
      action: 'pause',
      reason: 'disk full',
    })
    await visited.go('/')
    await page.getByRole('link', { name: 'media/low' }).first().waitFor()
    await page.getByText('disk full').waitFor()
    const sums = async () => {
      const tiles = page.getByRole('navigation', { name: 'Totals' })
      const of = async (name: string) =>
        /[\d,]+/.exec((await tiles.getByRole('link', { name }).locator('b').first().textContent()) ?? '')?.[0]
      return [await of('Waiting'), await of('Running')]
    }
    const ofApi = async () => {
      const { body } = await world.call('GET', '/api/v1/jobs/stats')
      const groups = stats.output.parse(body)
      return (['queued', 'processing'] as const).map((name) =>
        groups.reduce((sum, group) => sum + group[name], 0).toLocaleString('en'),
      )
    }
    await expect.poll(sums).toEqual(await ofApi())
    await world.sql`update jobs set status = 'processing' where id in (select id from jobs where status = 'queued' limit 2)`
    await expect.poll(sums).toEqual(await ofApi())
  })

  it('a queue without a name, of another program, has a row that leads nowhere', async () => {
    await world.jobs(1, { status: 'queued', domain: 'nameless', queue: '' })
    await visited.go('/')
    const row = page.getByRole('row', { name: /^nameless\/\s*\(no name\)/ })
    await row.waitFor()
    expect([await row.getByRole('link').count(), await violations(page)]).toEqual([0, []])
    await world.sql`delete from jobs where domain = 'nameless'`
  })

  it('1,500 queues have a row each, of which those are drawn that are seen; one is found and sorted by its head', async () => {
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload)
      select gen_random_uuid()::text, 'wide', 'q' || n / 2, 't' || n % 2, 'queued', '{}' from generate_series(0, 2999) as n`
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload) values (gen_random_uuid()::text, 'wide', 'q77', 't0', 'queued', '{}')`
    await visited.go('/?domain=wide')
    await page.getByText('1,500 queues').waitFor()
    const drawn = () => page.evaluate<number>('document.querySelectorAll("tbody tr").length')
    await expect.poll(drawn).toBeLessThan(200)
    const lastSeen = () =>
      page.evaluate<string>('[...document.querySelectorAll("tbody tr:not(.space) th")].at(-1).innerText')
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await expect.poll(lastSeen).toBe('wide/q999')
    expect(await drawn()).toBeLessThan(200)
    await page.getByRole('button', { name: 'Waiting' }).click()
    expect(new URL(page.url()).searchParams.get('sort')).toBe('-waiting')
    await page.evaluate('scrollTo(0, 0)')
    await page
      .getByRole('row', { name: /^wide\/q77 / })
      .getByText('3', { exact: true })
      .waitFor()
    await page.getByLabel('Find a queue').fill('Q1234')
    await page.getByText('1 queue', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'wide/q1234', exact: true }).click()
    await page.getByRole('heading', { name: 'Queue', level: 1 }).waitFor()
    await page.goBack()
    await page.getByText('1 queue', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'All domains' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.has('domain')).toBe(false)
    await world.sql`delete from jobs where domain = 'wide'`
    expect(visited.faults).toEqual([])
  })

  it('one field leads to jobs, queues, job types, errors, changes and screens, by keyboard alone', async () => {
    const [id] = await world.jobs(1, { status: 'queued', domain: 'media', queue: 'seek', job_type: 'thumbnail' })
    await visited.go('/')
    await page.getByRole('link', { name: 'media/seek' }).first().waitFor()
    const search = page.getByRole('combobox', { name: 'Search' })
    const goTo = async (words: string, address: RegExp) => {
      await page.locator('#content').focus()
      await page.keyboard.press('/')
      await search.fill(words)
      await page.keyboard.press('Enter')
      await expect.poll(() => page.url()).toMatch(address)
    }
    await goTo(String(id), new RegExp(`/jobs/${id}$`))
    await goTo('media/se', /queue\?domain=media&queue=seek$/)
    await goTo('thumbn', /jobs\?job_type=thumbnail$/)
    await goTo('error: no answer', /jobs\?status=failed&error=no\+answer$/)
    await goTo('#12', /operations\/12$/)
    await goTo('histo', /history$/)
    await page.keyboard.press('Control+k')
    await search.fill('media/seek')
    await page.getByRole('option', { name: /queue media\/seek/ }).waitFor()
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    expect(await page.getByRole('option', { name: /queue media/ }).count()).toBe(0)
  })

  it('a press on the band goes to a moment, and the page says loudly that it is the past', async () => {
    await world.sql`
      insert into jobsctl_depth_moments (moment, whole, queued, scheduled, processing, quarantined)
      select date_trunc('hour', now()) - n * interval '1 hour', true, 7, 0, 0, 0 from generate_series(0, 6) as n
      on conflict do nothing`
    await visited.go('/')
    const slider = page.getByRole('slider', { name: 'Show a moment of the past' })
    await slider.focus()
    await page.keyboard.press('Home')
    const past = page.getByText(/^This is the past: /)
    await past.waitFor()
    const moment = () => Date.parse(new URL(page.url()).searchParams.get('at') ?? '')
    const first = moment()
    // The band stays with its focus: another press goes one step on.
    await page.keyboard.press('ArrowRight')
    await expect.poll(moment).toBe(first + 300_000)
    expect(await violations(page)).toEqual([])
    await page.getByRole('link', { name: 'Back to now' }).click()
    await page.getByText(/^Live/).waitFor()
    const { width = 0, height = 0 } = (await slider.boundingBox()) ?? {}
    await slider.click({ position: { x: width / 2, y: height / 2 } })
    await past.waitFor()
    expect(Math.abs(moment() - Date.now() + 3 * 3_600_000)).toBeLessThan(900_000)
    const chosen = moment()
    await page
      .getByRole('navigation', { name: 'Totals of that moment' })
      .getByRole('link', { name: /^Waiting/ })
      .click()
    await page.getByRole('heading', { name: 'History', level: 1 }).waitFor()
    const { searchParams } = new URL(page.url())
    expect([searchParams.get('from'), searchParams.get('to')].map((time) => Date.parse(time ?? ''))).toEqual([
      chosen - 1_800_000,
      chosen + 1_800_000,
    ])
    await page.goBack()
    await past.waitFor()
    expect(moment()).toBe(chosen)
  })

  it('a hidden tab asks nothing, and says so', async () => {
    await visited.go('/')
    await page.getByText(/^Live/).waitFor()
    await page.evaluate(setHidden(true))
    await page.getByText('The server does not answer').waitFor()
    await page.evaluate(setHidden(false))
    await page.getByText(/^Live/).waitFor()
  })
})
