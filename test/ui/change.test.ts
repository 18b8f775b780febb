import { spawnSync } from 'node:child_process'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { cancelBatch, prune, reclaim, requeue, reschedule, retry, setPriority, sweep } from '../../shared/endpoints.ts'
import {
  copiedBy,
  type OpenedVisit,
  openVisit,
  pressByKeyboard,
  tabTo,
  type Visit,
  visit,
} from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('a change of many jobs (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let browser: Browser
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, browser, visited, page } = opened)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  })
  afterAll(() => opened?.stop())
  /** The sessions stay. */
  const empty = () => world.sql`truncate jobs, job_operations cascade`
  const count = async (status: string): Promise<number> => {
    const [row] = await world.sql<{ jobs: number }[]>`select count(*)::int as jobs from jobs where status = ${status}`
    return row?.jobs ?? 0
  }
  const preview = async () => {
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('region', { name: 'Preview' }).getByRole('heading').waitFor()
  }
  const records = () => world.sql<{ state: string }[]>`select state from job_operations where kind not like '%.%'`

  it('changes what was previewed, less what went on meanwhile, and nothing that came since', async () => {
    await empty()
    await world.jobs(130, { status: 'failed' })
    await visited.go('/jobs?status=failed')
    await page.getByLabel('All jobs that match').selectOption('retry')
    await preview()
    await page.getByRole('heading', { name: 'Retry 130 jobs' }).waitFor()
    await world.jobs(100, { status: 'failed' })
    await world.sql`update jobs set status = 'cancelled', updated_at = now() where id in (select id from jobs order by id limit 30)`
    const apply = page.getByRole('button', { name: 'Retry 130 jobs' })
    expect(await apply.isDisabled()).toBe(true)
    await page.getByLabel(/^Type the number/).fill('13')
    expect(await apply.isDisabled()).toBe(true)
    await page.getByLabel(/^Type the number/).fill('130')
    await page.getByLabel(/^Why/).fill('the mailer is back – 日本')
    await apply.dblclick()
    await page.getByText('100 jobs retried').waitFor()
    await page.getByText('30 skipped').waitFor()
    expect([await count('queued'), await count('failed'), await count('cancelled')]).toEqual([100, 100, 30])
    expect(await world.sql`select state, affected, reason from job_operations`).toEqual([
      { state: 'done', affected: 100, reason: 'the mailer is back – 日本' },
    ])
    // The same entry of the history asks for the outcome of the same change.
    await page.reload()
    await page.getByText('100 jobs retried').waitFor()
    expect(await records()).toHaveLength(1)
    expect(visited.faults).toEqual([])
  })

  it('says in one sentence which jobs, how old they are, how long it takes and whether there is a way back', async () => {
    await empty()
    await world.jobs(3, { status: 'failed', domain: 'orders', queue: 'mail' })
    await world.jobs(2, { status: 'failed', domain: 'orders', queue: 'low' })
    await world.sql`update jobs set completed_at = now() - (id % 2) * interval '5 days' - interval '2 minutes', created_at = now() - interval '6 days'`
    await visited.go('/change/retry?domain=orders')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    const lead = await page.locator('.lead').textContent()
    expect(lead).toMatch(
      /^5 failed jobs of orders, in 2 queues, from 5 d to 2 min( \d s)? old\. It takes about \d+ s\. All can be undone for 7 days\.$/,
    )
    await page.getByLabel('First', { exact: true }).check()
    expect(new URL(page.url()).searchParams.get('canary')).toBe('20')
    await page.getByLabel('Spread over', { exact: true }).check()
    expect(new URL(page.url()).search).toBe('?domain=orders&spread_seconds=10m')
  })

  it('one job is edited as its text and run again, where nobody has changed the value meanwhile', async () => {
    await empty()
    const [id = 0] = await world.jobs(1, { status: 'failed' })
    await world.sql`update jobs set payload = '{"url": "a", "password": "hunter two", "n": 12345678901234567890}'`
    await visited.go(`/jobs/${id}`)
    await page.getByRole('button', { name: 'Edit and retry…' }).click()
    const text = page.getByLabel('The job as JSON')
    await text.fill('{')
    await page.getByRole('status').getByText(/JSON/).waitFor()
    await page.reload()
    await text.waitFor()
    await text.fill((await text.inputValue()).replace('"a"', '"b"').replace('"priority": 5', '"priority": 2'))
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByText('- payload.url: "a"').waitFor()
    await page.getByText('+ priority: 2').waitFor()
    await page.getByRole('button', { name: 'Edit 1 job' }).click()
    await page.getByText('1 job edited').waitFor()
    const [row] = await world.sql`select status, priority, payload::text as payload from jobs where id = ${id}`
    expect(row).toEqual({
      ...{ status: 'queued', priority: 2 },
      payload: '{"n": 12345678901234567890, "url": "b", "password": "hunter two"}',
    })
    expect(visited.faults).toEqual([])
  })

  it('a value in a list is edited where a masked one stands beside it', async () => {
    await empty()
    const [id = 0] = await world.jobs(1, { status: 'queued' })
    await world.sql`update jobs set payload = '{"steps": [{"url": "a", "token": "hunter two"}, 7]}'`
    await visited.go(`/change/edit?ids=${id}`)
    const text = page.getByLabel('The job as JSON')
    await text.fill((await text.inputValue()).replace('"a"', '"b"'))
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Edit 1 job' }).click()
    await page.getByText('1 job edited').waitFor()
    const [row] = await world.sql`select payload from jobs where id = ${id}`
    expect(row?.payload).toEqual({ steps: [{ url: 'b', token: 'hunter two' }, 7] })
    expect(visited.faults).toEqual([])
  })

  it('an answer that was lost is asked for again, and the change is made once', async () => {
    await empty()
    await world.jobs(5, { status: 'failed' })
    const lossy = await visit(browser, world, { secret: world.key, expected: /ERR_/ })
    await lossy.go('/change/retry?domain=chatbooks')
    await lossy.page.getByRole('button', { name: 'Preview', exact: true }).click()
    let lost = 0
    await lossy.page.route('**/retry-now', async (route) => {
      if (lost++ > 0) return route.continue()
      await route.fetch()
      await route.abort()
    })
    await lossy.page.getByRole('button', { name: 'Retry 5 jobs' }).click()
    await lossy.page.getByText('The server does not answer.').waitFor()
    await lossy.page.getByRole('button', { name: 'Look for it' }).click()
    await lossy.page.getByText('5 jobs retried').waitFor()
    expect(await records()).toHaveLength(1)
    await lossy.close()
  })

  it('these jobs and all that match are two choices', async () => {
    await empty()
    await world.jobs(60, { status: 'failed' })
    await visited.go('/jobs?status=failed')
    await page.getByRole('checkbox', { name: 'Select all jobs of this page' }).check()
    await page.getByLabel('These 50 jobs').selectOption('retry')
    await preview()
    await page.getByRole('button', { name: 'Retry 50 jobs' }).click()
    await page.getByText('50 jobs retried').waitFor()
    expect([await count('queued'), await count('failed')]).toEqual([50, 10])
  })

  it('where not all jobs could be counted, the most that may change is typed', async () => {
    await empty()
    await world.jobs(5, { status: 'failed' })
    const { page, go, close } = await visit(browser, world, { secret: world.key, expected: /412/ })
    await page.route('**/retry-now', async (route) => {
      const response = await route.fetch()
      const answer = await response.json()
      if (answer.preview) Object.assign(answer.preview, { complete: false, count_at_least: 2 })
      await route.fulfill({ response, json: answer })
    })
    const changeAtMost = async (most: string) => {
      await page.getByRole('button', { name: 'Preview', exact: true }).click()
      await page.getByRole('heading', { name: 'Retry at least 2 jobs' }).waitFor()
      await page.getByLabel(/^There are too many to count/).fill(most)
      await page.getByRole('button', { name: `Retry at most ${most} jobs` }).click()
    }
    await go('/change/retry?domain=chatbooks')
    await changeAtMost('4')
    await page.getByRole('alert').waitFor()
    expect(await count('failed')).toBe(5)
    await page.getByRole('button', { name: 'Make another preview' }).click()
    await changeAtMost('5')
    await page.getByText('5 jobs retried').waitFor()
    await close()
  })

  it('options are in the address, and another option needs another preview', async () => {
    await empty()
    await world.jobs(3, { status: 'completed', domain: 'chatbooks' })
    await world.sql`update jobs set completed_at = now() - interval '40 days', updated_at = now() - interval '40 days'`
    await visited.go('/change/prune?domain=chatbooks')
    await preview()
    await page.getByRole('heading', { name: 'Prune 3 jobs' }).waitFor()
    await page.getByLabel('Ended at least this many days ago').fill('50')
    await expect.poll(() => new URL(page.url()).searchParams.get('older_than_days')).toBe('50')
    await expect.poll(() => page.getByRole('button', { name: /^Prune 3/ }).count()).toBe(0)
    await preview()
    await page.getByText('No job matches').waitFor()
    await page.getByLabel('Ended at least this many days ago').fill('30')
    await preview()
    await page.getByRole('button', { name: 'Prune 3 jobs' }).click()
    await page.getByText('3 jobs deleted').waitFor()
    expect(await world.count()).toBe(0)
  })

  it('a number is written anew key by key, and none is previewed in its place', async () => {
    await empty()
    await visited.go('/change/prune?domain=chatbooks')
    const days = page.getByLabel('Ended at least this many days ago')
    await days.focus()
    for (const key of ['End', 'Backspace', 'Backspace']) await page.keyboard.press(key)
    expect(await days.inputValue()).toBe('')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    expect(await page.locator('input:invalid:focus').count()).toBe(1)
    expect(await page.getByRole('region', { name: 'Preview' }).count()).toBe(0)
    await days.pressSequentially('7')
    expect(await days.inputValue()).toBe('7')
    expect(new URL(page.url()).searchParams.get('older_than_days')).toBe('7')
  })

  it('Back, Forward and the way to the content show the change of their own entry of the history', async () => {
    await empty()
    await world.jobs(5, { status: 'failed' })
    await visited.go('/change/retry?domain=chatbooks')
    await preview()
    await page.getByRole('button', { name: 'Retry 5 jobs' }).click()
    await page.getByText('5 jobs retried').waitFor()
    await page.getByRole('link', { name: 'Skip to the content' }).press('Enter')
    await page.reload()
    await page.getByText('5 jobs retried').waitFor()
    await page.getByRole('button', { name: 'Make another preview' }).click()
    const look = page.getByRole('button', { name: 'Preview', exact: true })
    await look.waitFor()
    await page.goBack()
    await page.getByText('5 jobs retried').waitFor()
    expect(await look.count()).toBe(0)
    await page.goForward()
    await look.waitFor()
    expect(await page.getByText('5 jobs retried').count()).toBe(0)
    expect(await records()).toHaveLength(1)
  })

  it('a parameter that no change knows is told, and so are states that a change does not tell apart', async () => {
    await empty()
    await visited.go('/change/cancel?domian=mail')
    await page.getByText('The address has domian').waitFor()
    await visited.go('/change/sweep?domain=mail&status=queued')
    await page.getByText('not only queued: this change takes jobs that are queued or processing').waitFor()
    await visited.go('/change/requeue?domain=mail&status=quarantined&canary=5')
    expect(await page.getByText(/not only|The address has/).count()).toBe(0)
  })

  it.each([
    ['retry?domain=chatbooks&error_code=it%27s&with_dependents=false&spread_seconds=60&keep_retries=true', retry],
    ['retry?status=failed', retry],
    ['requeue?domain=chatbooks&queue=a%20b&min_retries=2', requeue],
    ['cancel?ids=1,2&force=true', cancelBatch],
    ['priority?domain=chatbooks&status=queued&priority=3', setPriority],
    ['reschedule?domain=chatbooks&created_after=2026-01-01T00:00:00Z', reschedule],
    ['reschedule?domain=chatbooks&delay_seconds=2h&spread_seconds=30m', reschedule],
    ['reschedule?domain=chatbooks&delay_seconds=90', reschedule],
    ['reclaim?worker_id=w%241&stale=true&count_attempt=true', reclaim],
    ['prune?domain=chatbooks&status=failed,cancelled&older_than_days=45', prune],
    ['sweep?age_seconds=3600&action=fail&owner_user_id=ann', sweep],
    ['sweep?age_seconds=1d&runtime_seconds=2h', sweep],
  ])('copies %s as words of the command line and as curl that make the same request', async (screen, endpoint) => {
    await visited.go(`/change/${screen}`)
    const command = await copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }))
    const curl = await copiedBy(page.getByRole('button', { name: 'Copy as curl' }))
    expect(command).toMatch(/^jobsctl .* --dry-run$/)
    expect(curl).toContain(`curl -X POST ${world.url}${endpoint.path} `)
    expect(curl).not.toContain(world.key)
    // A shell takes the words apart, as for somebody who pastes the line.
    const words = spawnSync('sh', ['-c', `printf '%s\\n' ${command.slice('jobsctl '.length)}`], { encoding: 'utf8' })
    const shown = await world.jobsctl([...words.stdout.trimEnd().split('\n'), '--curl'])
    expect(shown).toMatchObject({ code: 0 })
    const bodyOf = (line: string) => {
      const [, quoted = ''] = /-d ('(?:[^']|'\\'')*')/.exec(line) ?? []
      return endpoint.input.parse(JSON.parse(quoted.slice(1, -1).replaceAll(`'\\''`, "'")))
    }
    expect(bodyOf(curl)).toEqual(bodyOf(shown.out))
  })

  it('by keyboard alone: log in, filter, choose, preview, confirm, undo', async () => {
    await empty()
    await world.jobs(2, { status: 'failed', domain: 'chatbooks' })
    const { page, go, faults, close } = await visit(browser, world)
    await go('/jobs')
    await page.keyboard.type(world.key)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
    await pressByKeyboard(page, 'failed')
    await page.getByText('2 jobs match').waitFor()
    await tabTo(page, page.getByLabel('All jobs that match'))
    await page.keyboard.press('ArrowDown')
    await page.getByRole('heading', { name: /jobs$/, level: 1 }).waitFor()
    await pressByKeyboard(page, 'Preview')
    await pressByKeyboard(page, 'Retry 2 jobs')
    await page.getByText('2 jobs retried').waitFor()
    expect(await count('queued')).toBe(2)
    await tabTo(page, page.getByRole('link', { name: /^Operation \d+$/ }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^Operation \d+$/ }).waitFor()
    await pressByKeyboard(page, 'Preview the undo')
    await pressByKeyboard(page, 'Give back 2 jobs')
    await page.getByText('2 jobs given back').waitFor()
    expect([await count('failed'), faults]).toEqual([2, []])
    await close()
  })
})
