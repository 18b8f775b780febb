import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { violations } from '../support/browser/axe.ts'
import { copiedBy, type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

const hostile = `<img src=x onerror="document.title='ran'">\u202egpj.\u{1F4A3}`

describe.skipIf(!hasBrowser)('clusters of failures (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  })
  afterAll(() => opened?.stop())
  beforeEach(async () => {
    // A page that reads while the tables are emptied would end in a deadlock.
    await page.goto('about:blank')
    await world.sql`truncate jobs, job_operations cascade`
  })

  /** Jobs that ended so many hours ago with a message; `#` is another number in each. */
  const failures = (status: string, jobs: number, message: string, { hours = 0, domain = 'mail' } = {}) => world.sql`
    insert into jobs (uuid, domain, queue, job_type, status, payload, error_code, error_message, completed_at, quarantined_at)
    select
      gen_random_uuid()::text, ${domain}, 'out', 'send', ${status}, '{}', 'poison', replace(${message}, '#', n::text),
      case when ${status} = 'failed' then now() - ${hours}::int * interval '1 hour' end,
      case when ${status} = 'quarantined' then now() - ${hours}::int * interval '1 hour' end
    from generate_series(1, ${jobs}::int) as n`
  const states = async () => [
    ...(await world.sql`select status, count(*)::int as jobs from jobs group by status order by status`),
  ]
  const records = async () => [
    ...(await world.sql`select kind, affected from job_operations where kind not like '%.%' order by id`),
  ]
  const cluster = (text: string) => page.getByRole('listitem').filter({ hasText: text })
  const course = () => page.getByRole('region', { name: 'Course' })
  /** Goes from a cluster to the change of it, whose first five jobs it begins. */
  const begin = async (text: string, change: string, button: string) => {
    await visited.go('/clusters')
    await cluster(text)
      .getByRole('link', { name: new RegExp(`^${change}`) })
      .click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: button }).click()
  }

  it('five jobs of a poison message fail again: the others stay as they are', async () => {
    await failures('failed', 40, 'cannot parse message # of the sender')
    await failures('failed', 3, 'connection refused')
    await begin('cannot parse message', 'Retry…', 'Retry 5 of 40 jobs first')
    await course().getByText('can follow when these are completed.').waitFor()
    expect(await states()).toEqual([
      { status: 'failed', jobs: 38 },
      { status: 'queued', jobs: 5 },
    ])
    await world.sql`update jobs set status = 'processing', updated_at = now() where status = 'queued'`
    await course().getByText('processing').waitFor()
    expect(await violations(page)).toEqual([])
    await world.sql`
      update jobs set status = 'failed', error_message = 'cannot parse message 1 of the sender', completed_at = now(), updated_at = now()
      where status = 'processing'`
    await course().getByText('The other 35 jobs stay as they are.').waitFor()
    expect(
      await course()
        .getByRole('button', { name: /^Retry/ })
        .count(),
    ).toBe(0)
    await course().getByRole('button', { name: 'Stop here' }).click()
    await page.getByRole('heading', { name: /^Operation/ }).waitFor()
    expect(await states()).toEqual([{ status: 'failed', jobs: 43 }])
    expect(await records()).toEqual([{ kind: 'retry', affected: 5 }])
    expect(visited.faults).toEqual([])
  })

  it('five jobs are completed: the others follow, once, also after a reload, and no job that has failed since', async () => {
    await failures('quarantined', 40, 'cannot parse message # of the sender')
    await failures('quarantined', 3, 'connection refused')
    await begin('cannot parse message', 'Requeue…', 'Requeue 5 of 40 jobs first')
    await course().getByText('can follow when these are completed.').waitFor()
    await failures('quarantined', 4, 'cannot parse message # of the sender')
    await world.sql`update jobs set status = 'completed', completed_at = now(), updated_at = now() where status = 'queued'`
    await course().getByText('all of them are completed').waitFor()
    await page.reload()
    await course().getByRole('button', { name: 'Requeue the other 35 jobs' }).dblclick()
    await course().getByText('35 jobs requeued').waitFor()
    await page.reload()
    await course().getByText('35 jobs requeued').waitFor()
    expect(await states()).toEqual([
      { status: 'completed', jobs: 5 },
      { status: 'quarantined', jobs: 7 },
      { status: 'queued', jobs: 35 },
    ])
    expect(await records()).toEqual([
      { kind: 'requeue', affected: 5 },
      { kind: 'requeue', affected: 35 },
    ])
    expect(visited.faults).toEqual([])
  })

  it('since when and where is in the address, and the change is of the same jobs', async () => {
    await failures('failed', 6, 'cannot parse message # of the sender')
    await failures('failed', 30, 'cannot parse message # of the sender', { hours: 30 })
    await failures('failed', 2, 'connection refused', { domain: 'books' })
    await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' })
    await visited.go('/clusters')
    await cluster('cannot parse').getByText('36 jobs').waitFor()
    await page.getByRole('combobox', { name: /^Failed/ }).selectOption('since deploy 4711')
    await page.getByText('No job has failed here.').waitFor()
    await page.getByRole('combobox', { name: /^Failed/ }).selectOption('in the last hour')
    await cluster('cannot parse').getByText('6 jobs').waitFor()
    await page.getByRole('combobox', { name: 'Filter' }).fill('domain:mail')
    await page.keyboard.press('Enter')
    await expect.poll(() => cluster('connection refused').count()).toBe(0)
    expect(new URL(page.url()).search).toBe('?since=1h&domain=mail')
    const copied = await copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }))
    expect(copied).toBe('jobsctl clusters --domain mail --since 1h')
    expect(await world.jobsctl([...copied.split(' ').slice(1), '--json'])).toMatchObject({ code: 0 })
    await cluster('cannot parse')
      .getByRole('link', { name: /^Retry…/ })
      .click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('heading', { name: 'Retry 6 jobs' }).waitFor()
    await page.goBack()
    await cluster('cannot parse').waitFor()
    await page.goBack()
    await cluster('connection refused').waitFor()
    expect(new URL(page.url()).search).toBe('?since=1h')
    await visited.go('/clusters?since=mark:no+such&colour=red')
    await page.getByText('No mark has the text “no such”.').waitFor()
    await page.getByText('The address has colour').waitFor()
    const wrong = await visit(opened.browser, world, { secret: world.key, expected: /422/ })
    await wrong.go('/clusters?since=999999w')
    await wrong.page.getByRole('alert').getByText('must be a time such as').first().waitFor()
    await wrong.close()
  })

  it('a cluster that is retried is cancelled, and one that is old is pruned: its jobs alone', async () => {
    await failures('failed', 3, 'connection refused', { hours: 30 })
    await failures('failed', 4, 'cannot parse message # of the sender', { hours: 30 })
    await failures('queued', 5, 'cannot parse message # of the sender')
    await failures('queued', 2, 'connection refused')
    await world.sql`update jobs set retry_count = 1 where status = 'queued'`
    await visited.go('/clusters?status=retrying')
    await cluster('cannot parse').getByRole('link', { name: 'Cancel…' }).click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel 5 jobs' }).click()
    await course().getByText('5 jobs cancelled').waitFor()
    await visited.go('/clusters?status=failed')
    await cluster('cannot parse').getByRole('link', { name: 'Prune…' }).click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Prune 4 jobs' }).click()
    await course().getByText('4 jobs deleted').waitFor()
    expect(await states()).toEqual([
      { status: 'cancelled', jobs: 5 },
      { status: 'failed', jobs: 3 },
      { status: 'queued', jobs: 2 },
    ])
    expect(visited.faults).toEqual([])
  })

  it('a number of first jobs that is none changes nothing', async () => {
    await failures('failed', 30, 'cannot parse message # of the sender')
    const wrong = await visit(opened.browser, world, { secret: world.key, expected: /422/ })
    for (const canary of ['five', '0', '-1', '1.5']) {
      await wrong.go(`/change/retry?domain=mail&canary=${canary}`)
      await wrong.page.getByRole('button', { name: 'Preview', exact: true }).click()
      await wrong.page.getByRole('region', { name: 'Preview' }).waitFor()
      await wrong.page.getByRole('button', { name: /first$/ }).click()
      await wrong.page.getByRole('alert').getByText('limit').first().waitFor()
    }
    expect(await states()).toEqual([{ status: 'failed', jobs: 30 }])
    await wrong.close()
  })

  it('texts of strangers are text, and all domains of a cluster are requeued in one change', async () => {
    await failures('quarantined', 2, hostile, { domain: hostile })
    await failures('quarantined', 2, 'x', { domain: 'a' })
    await failures('quarantined', 2, 'x', { domain: 'b' })
    await visited.go('/clusters')
    await page.getByText('onerror').first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    await page.getByRole('link', { name: 'Requeue in all domains…' }).click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByText('4 quarantined jobs of 2 domains, in 2 queues').waitFor()
    await page.getByRole('button', { name: 'Retry 4 jobs' }).click()
    await page.getByText('4 jobs retried').waitFor()
    expect([...(await world.sql`select domain from jobs where status = 'queued' group by domain order by 1`)]).toEqual([
      { domain: 'a' },
      { domain: 'b' },
    ])
    expect(visited.faults).toEqual([])
  })

  it('in a list of all links, those of each cluster say of which they are', async () => {
    await failures('failed', 3, 'connection refused')
    await failures('failed', 2, 'cannot parse message # of the sender')
    await failures('quarantined', 2, 'disk full')
    await visited.go('/clusters')
    await cluster('disk full').waitFor()
    const links = page.getByRole('main').getByRole('link')
    const names: string[] = []
    for (const link of await links.all()) names.push(/"(.*)"/.exec(await link.ariaSnapshot())?.[1] ?? '')
    expect(names).toContain('Retry… (failed, poison, connection refused)')
    expect(names).toContain('Show these jobs (quarantined, poison, disk full)')
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    expect(await violations(page)).toEqual([])
  })

  it('each cluster has its failures over time, by one call for all of them', async () => {
    await failures('failed', 7, 'no route to host', { hours: 3 })
    await failures('failed', 2, 'no route to host')
    await failures('quarantined', 3, 'disk full', { domain: hostile })
    const asked: string[] = []
    const note = (request: { url: () => string }) =>
      request.url().includes('/clusters/times') && asked.push(request.url())
    page.on('request', note)
    await visited.go('/clusters')
    await cluster('no route to host')
      .getByRole('img', { name: /^9 failed since .*, at most 7 in / })
      .waitFor()
    await cluster('disk full')
      .getByRole('img', { name: /^3 failed since / })
      .waitFor()
    page.off('request', note)
    expect(asked).toHaveLength(1)
    await visited.go('/clusters?domain=mail&status=failed')
    await page.getByRole('button', { name: /^State: failed/ }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('?domain=mail')
    expect(visited.faults).toEqual([])
  })

  it('failures with a message each are folded by their code, and what is new since a mark says so', async () => {
    await world.sql`truncate jobsctl_marks`
    await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' })
    await failures('failed', 5, 'no route to host')
    const words = ['apple', 'pear', 'plum', 'fig']
    for (const word of words) await failures('failed', 1, `the ${word} was declined`)
    await visited.go('/clusters')
    await cluster('no route to host').getByText('new since deploy 4711').waitFor()
    expect(await page.getByText('plum').count()).toBe(0)
    await page.getByText('4 others with the code poison, each with a message of its own').click()
    await page.getByText('the plum was declined').waitFor()
  })

  it('the jobs of a cluster are edited and run again', async () => {
    await failures('failed', 3, 'no route to host')
    await world.sql`update jobs set payload = '{"url": "http://old.example", "n": 12345678901234567890}'`
    await visited.go('/clusters')
    await page.getByRole('link', { name: 'Edit and retry…' }).click()
    await page.getByLabel('Path').fill('payload.url')
    await page.getByLabel('New value').fill('https://new.example')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByText('+ payload.url: "https://new.example"').first().waitFor()
    await page.getByRole('button', { name: 'Edit 3 jobs' }).click()
    await page.getByText('3 jobs edited').waitFor()
    const rows = await world.sql`select distinct status, payload::text as payload from jobs`
    expect([...rows]).toEqual([
      { status: 'queued', payload: '{"n": 12345678901234567890, "url": "https://new.example"}' },
    ])
  })
})
