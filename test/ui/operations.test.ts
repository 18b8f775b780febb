import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { hasBrowser } from '../../scripts/chromium.ts'
import { stats } from '../../shared/queues/stats.ts'
import { violations } from '../support/axe.ts'
import { type OpenedVisit, openVisit, setHidden, type Visit } from '../support/browser.ts'
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
      .click()
    await page.getByText('tried').waitFor()
    await world.sql`update jobs set status = 'completed', updated_at = now() where id in (select id from jobs order by id limit 1)`
    await page.getByRole('button', { name: 'Preview the undo' }).click()
    await page.getByText('1 job cannot come back').waitFor()
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
    await page.getByRole('button', { name: /^caller: nobody/ }).click()
    await page.getByRole('region', { name: 'Operations' }).waitFor()
    expect(new URL(page.url()).search).toBe('')
  })

  it('another page of the records is no filter, and goes with the filter that is taken away', async () => {
    await visited.go('/operations?caller=nobody&before_id=1')
    await page.getByText('No record matches.').waitFor()
    expect(await page.getByRole('button', { name: /^before_id/ }).count()).toBe(0)
    await page.getByRole('button', { name: /^caller: nobody/ }).click()
    await page.getByRole('region', { name: 'Operations' }).waitFor()
    expect(new URL(page.url()).search).toBe('')
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
    await page.getByText('media/low').waitFor()
    await page.getByText('disk full').waitFor()
    const sums = async () => {
      const text = await page.locator('.sums').textContent()
      return ['queued', 'scheduled', 'processing', 'quarantined'].map((name) =>
        Number(new RegExp(`${name}(\\d+)`).exec(text ?? '')?.[1]),
      )
    }
    const ofApi = async () => {
      const { body } = await world.call('GET', '/api/v1/jobs/stats')
      const groups = stats.output.parse(body)
      return (['queued', 'scheduled', 'processing', 'quarantined'] as const).map((name) =>
        groups.reduce((sum, group) => sum + group[name], 0),
      )
    }
    await expect.poll(sums).toEqual(await ofApi())
    await world.sql`update jobs set status = 'processing' where id in (select id from jobs where status = 'queued' limit 2)`
    await expect.poll(sums).toEqual(await ofApi())
  })

  it('a queue without a name, of another program, has a row that leads nowhere', async () => {
    await world.jobs(1, { status: 'queued', domain: 'nameless', queue: '' })
    await visited.go('/')
    const row = page.getByRole('row', { name: /^\(no name\)/ })
    await row.waitFor()
    expect([await row.getByRole('link').count(), await violations(page)]).toEqual([0, []])
    await world.sql`delete from jobs where domain = 'nameless'`
  })

  it('of many groups the domains are shown, and the queues of one of them', async () => {
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload)
      select gen_random_uuid()::text, 'many' || (n % 3), 'q' || n, 't', 'quarantined', '{}' from generate_series(1, 330) as n`
    await visited.go('/')
    await page.getByRole('link', { name: 'many1', exact: true }).waitFor()
    expect(await page.getByRole('row').count()).toBeLessThan(20)
    await page.getByRole('link', { name: 'many1', exact: true }).click()
    await page.getByRole('link', { name: 'q1', exact: true }).waitFor()
    expect(new URL(page.url()).search).toBe('?domain=many1')
    await expect.poll(() => page.getByRole('row').count()).toBe(1 + 1 + 110 * 2)
    await page.getByRole('link', { name: 'All domains' }).click()
    await expect.poll(() => page.getByRole('row').count()).toBeLessThan(20)
    await world.sql`delete from jobs where domain like 'many%'`
  })

  it('3,000 groups are sent and drawn as sums, down to the queue that is looked for', async () => {
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload)
      select gen_random_uuid()::text, 'wide', 'q' || n / 2, 't' || n % 2, 'quarantined', '{}' from generate_series(0, 2999) as n`
    const drawn = () => page.evaluate<number>('document.querySelectorAll("*").length')
    await visited.go('/')
    const row = page.getByRole('row', { name: /^wide/ })
    await row.getByText('3,000', { exact: true }).waitFor()
    await world.sql`update jobs set status = 'failed' where id = (select max(id) from jobs where domain = 'wide')`
    await row.getByText('2,999', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'wide', exact: true }).click()
    await page.getByText('The first 900 of 1,501 rows are shown.').waitFor()
    expect(await drawn()).toBeLessThan(20_000)
    await page.getByLabel('Find').fill('q1234')
    await page.getByText('2 rows').waitFor()
    await page.getByRole('link', { name: 'q1234', exact: true }).click()
    await expect.poll(() => page.locator('tbody th').allInnerTexts()).toEqual(['wide', 'q1234', 't0', 't1'])
    await page.goBack()
    await page.getByText('2 rows').waitFor()
    await world.sql`delete from jobs where domain = 'wide'`
    expect(visited.faults).toEqual([])
  })

  it('a hidden tab has no stream', async () => {
    await visited.go('/')
    await page.getByText(/^Live/).waitFor()
    await page.evaluate(setHidden(true))
    await page.getByText('The server does not answer').waitFor()
    await page.evaluate(setHidden(false))
    await page.getByText(/^Live/).waitFor()
  })
})
