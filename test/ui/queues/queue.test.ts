import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { explainJob } from '../../../shared/explain/job.ts'
import { idOf, makeToken } from '../../support/access/tokens.ts'
import { type OpenedVisit, openVisit, type Visit } from '../../support/browser/browser.ts'
import type { World } from '../../support/world.ts'

describe.skipIf(!hasBrowser)('queues, and why a job does not run (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
    await world.jobs(2, { status: 'queued' })
  })
  afterAll(() => opened?.stop())

  it('the link of waiting jobs says how many of its list are for later', async () => {
    await world.jobs(3, { status: 'queued', domain: 'later' })
    await world.sql`
      insert into jobs (domain, queue, job_type, status, available_at)
      select 'later', 'default', 'export', 'queued', now() + interval '1 day' from generate_series(1, 2)`
    await visited.go('/?domain=later')
    const row = page.getByRole('region', { name: 'Queues' }).getByRole('link', { name: '3', exact: true })
    await row.waitFor()
    expect(await row.getAttribute('title')).toBe('with 2 for later')
    await row.click()
    await expect.poll(() => page.getByRole('row').count()).toBe(6)
    expect(visited.faults).toEqual([])
    await world.sql`delete from jobs where domain = 'later'`
  })

  it('a queue is stopped with a reason, the job says so, and the way there resumes it', async () => {
    await visited.go('/')
    await page.getByRole('link', { name: 'chatbooks/default', exact: true }).first().click()
    await page.getByRole('textbox', { name: /^Why/ }).fill('disk full')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByRole('button', { name: 'Take it back: Resume' }).waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Pause', exact: true }).isDisabled()).toBe(true)
    const [job] = await world.sql<{ id: number }[]>`select min(id) as id from jobs`
    const ann = idOf(await makeToken(world.sql, 'ann', 'operator'))
    await world.sql`
      update job_events set attrs_json = attrs_json || jsonb_build_object('caller', ${ann}::text) where event_type = 'queue.paused'`
    await visited.go(`/jobs/${job?.id}`)
    const { body } = await world.call('GET', `/api/v1/jobs/${job?.id}/explain`)
    const { reasons } = explainJob.output.parse(body)
    const paused = reasons.find(({ code }) => code === 'queue_paused')?.sentence ?? ''
    expect(paused).toContain(' by ann ("disk full")')
    // How long it is stopped moves on.
    const [before = '', after = ''] = paused.split(/\(\d+s\)/)
    await page.getByText(before).and(page.getByText(after)).waitFor()
    await page.getByRole('link', { name: 'Resume…' }).click()
    await page.getByRole('button', { name: 'Resume', exact: true }).click()
    await page.getByRole('button', { name: 'Take it back: Pause' }).waitFor()
    expect(await world.sql`select paused, drain from job_queue_controls`).toEqual([{ paused: false, drain: false }])
    expect(visited.faults).toEqual([])
  })

  it('a queue that fails is paused where its sentence stands, with a preview and the way back', async () => {
    await world.jobs(4, { status: 'queued', domain: 'print', queue: 'labels' })
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      values (date_trunc('minute', now()), 'print', 'labels', 'a', 'processing', 'failed', 9, 0)`
    await visited.go('/')
    await page.getByRole('button', { name: 'Pause print/labels' }).click()
    const here = page.getByRole('region', { name: 'Pause print/labels' })
    await here.getByText('No job is handed out. 4 jobs wait, and stay.').waitFor()
    const stopped = () => world.sql`select paused, drain from job_queue_controls where domain = 'print'`
    expect(await stopped()).toEqual([])
    await here.getByRole('textbox', { name: /^Why/ }).fill('out of paper')
    await here.getByRole('button', { name: 'Pause print/labels' }).dblclick()
    await here.getByText('Paused: running jobs go on, new jobs wait.').waitFor()
    expect(await stopped()).toEqual([{ paused: true, drain: false }])
    await page.getByRole('listitem').filter({ hasText: 'is paused for' }).getByText('out of paper').waitFor()
    await here.getByRole('button', { name: 'Take it back: Resume' }).click()
    await here.getByText('Its jobs are handed out again.').waitFor()
    expect(await stopped()).toEqual([{ paused: false, drain: false }])
    expect(await world.sql`select kind, reason from job_operations where domain = 'print' order by id`).toEqual([
      { kind: 'queue.paused', reason: 'out of paper' },
      { kind: 'queue.resumed', reason: null },
    ])
    expect(visited.faults).toEqual([])
  })

  it('the link to further queues that fail stays in the domain', async () => {
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      select date_trunc('minute', now()), 'many', 'q' || n, 'a', 'processing', 'failed', 9, 0 from generate_series(1, 7) as n`
    await visited.go('/?domain=many')
    await page.getByRole('link', { name: '2 other queues fail, too' }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('?domain=many&sort=-failed')
    await world.sql`delete from jobsctl_history_minutes where domain = 'many'`
    expect(visited.faults).toEqual([])
  })

  it('says where there may be more queues than its sentences tell', async () => {
    const overview = '**/api/v1/jobs/overview*'
    const told = async (stopped: number, more_of: string[]) => {
      await page.unroute(overview)
      await page.route(overview, async (route) => {
        const response = await route.fetch()
        const attention = Array.from({ length: stopped }, (_none, nth) => ({
          kind: 'stopped',
          domain: 'many',
          queue: `q${nth}`,
          drain: false,
          since: null,
          by: null,
          reason: null,
          waiting: 0,
        }))
        await route.fulfill({ response, json: { ...(await response.json()), attention, failing_queues: 0, more_of } })
      })
      await visited.go('/')
      return page.getByRole('list', { name: 'What needs somebody' })
    }
    await (await told(0, ['no_worker'])).getByText('There may be queues with jobs that nobody takes: not all').waitFor()
    await (await told(2, ['stopped'])).getByText('There may be more queues that hand out no jobs: not all').waitFor()
    const folded = await told(5, ['stopped'])
    await folded.getByText('at least 2 more queues that hand out no jobs').waitFor()
    expect(await folded.getByText('There may be').count()).toBe(0)
    await (await told(5, [])).getByText(/^2 more queues that hand out no jobs/).waitFor()
    await page.unroute(overview)
    expect(visited.faults).toEqual([])
  })

  it('the oldest wait of a queue is that of its oldest job, also where many that are older were retried', async () => {
    const place = { domain: 'waits', queue: 'low', status: 'queued' }
    const retried = await world.jobs(25, place)
    await world.sql`
      update jobs set created_at = now() - interval '3 hours', available_at = now() - interval '1 minute'
      where id = any(${retried})`
    const [waiting = 0] = await world.jobs(1, place)
    await world.sql`update jobs set created_at = now() - interval '2 hours', available_at = null where id = ${waiting}`
    await visited.go('/queue?domain=waits&queue=low')
    await page.locator('.sums div').filter({ hasText: 'Oldest wait' }).getByText('2 h').waitFor()
    expect(visited.faults).toEqual([])
  })

  it('a queue shows its job types, and when it was read; what is pressed keeps the focus', async () => {
    const place = { domain: 'types', queue: 'low' }
    await world.jobs(2, { ...place, status: 'queued', job_type: 'thumbnail' })
    await visited.go('/queue?domain=types&queue=low')
    await page.getByText(/^read (now|\d+ s ago)$/).waitFor()
    expect(await page.getByRole('region', { name: 'Counts by job type' }).count()).toBe(0)
    await world.jobs(3, { ...place, status: 'processing', job_type: 'export' })
    const rows = page.getByRole('region', { name: 'Counts by job type' }).getByRole('row')
    await expect
      .poll(() => rows.allTextContents())
      .toEqual([
        'TypeWaitingFor laterRunningQuarantinedOldest wait',
        expect.stringMatching(/^export0030$/),
        expect.stringMatching(/^thumbnail2000\d+ /),
      ])
    const pause = page.getByRole('button', { name: 'Pause', exact: true })
    await pause.press('Enter')
    await page.getByText('paused', { exact: true }).waitFor()
    await expect.poll(() => pause.getAttribute('aria-busy')).toBe(null)
    expect([
      await pause.getAttribute('aria-disabled'),
      await page.evaluate('document.activeElement.textContent'),
    ]).toEqual(['true', 'Pause'])
    await rows.nth(1).getByRole('link').click()
    await expect.poll(() => new URL(page.url()).search).toBe('?domain=types&queue=low&job_type=export')
    await world.sql`delete from jobs where domain = 'types'`
    expect(visited.faults).toEqual([])
  })

  it('an address without the name of a queue shows no counts of all queues', async () => {
    await world.jobs(3, { status: 'queued' })
    for (const address of ['/queue', '/queue?domain=chatbooks', '/queue?domain=chatbooks&queue=+']) {
      await visited.go(address)
      await page.getByText('The address names no queue').waitFor()
      expect([await page.locator('.sums').count(), await page.title()]).toEqual([0, expect.stringMatching(/^Queue · /)])
    }
  })

  it('the page of a queue that fails says why', async () => {
    await world.jobs(3, {
      status: 'failed',
      domain: 'print',
      queue: 'labels',
      error_message: 'no label left in tray 3',
    })
    await world.sql`update jobs set completed_at = now() where domain = 'print' and status = 'failed'`
    await visited.go('/queue?domain=print&queue=labels')
    const failures = page.getByRole('region', { name: 'Its failures of the last hour' })
    await failures.getByText('3 failed').waitFor()
    await failures.getByText('no label left in tray #').waitFor()
    await failures.getByRole('link', { name: 'Look' }).click()
    await page.getByRole('heading', { name: 'Failures', level: 1 }).waitFor()
    expect(visited.faults).toEqual([])
  })

  it('a queue is throttled in place of a pause, with its reason, and the throttle is ended', async () => {
    await visited.go('/queue?domain=chatbooks&queue=default')
    const throttle = page.getByRole('region', { name: 'Throttle' })
    const act = throttle.getByRole('button', { name: 'Throttle', exact: true })
    await throttle.getByText('not throttled').waitFor()
    expect(await act.getAttribute('aria-disabled')).toBe('true')
    await throttle.getByLabel('A minute at most').fill('sixty')
    expect(await act.getAttribute('title')).toBe('A limit is a whole number from 1 on.')
    await throttle.getByLabel('A minute at most').fill('60')
    await throttle.getByLabel('Running at most').fill('5')
    await throttle.getByLabel('Reason of the throttle').fill('the printer refuses us')
    await act.click()
    await throttle.getByText('Now at most 5 running, at most 60 a minute; before: not throttled.').waitFor()
    expect(await world.sql`select running, per_minute, reason from jobsctl_limits`).toEqual([
      { running: 5, per_minute: 60, reason: 'the printer refuses us' },
    ])
    await throttle.getByRole('button', { name: 'End the throttle' }).click()
    await throttle.getByText('Now not throttled; before: at most 5 running, at most 60 a minute.').waitFor()
    expect(await world.sql`select running from jobsctl_limits`).toEqual([])
    expect(visited.faults).toEqual([])
  })

  it('the workers are on a screen and on the page of their queue, each with its jobs', async () => {
    await world.jobs(3, { status: 'processing', domain: 'mail', queue: 'high', worker_id: 'mailer-2' })
    await world.jobs(1, { status: 'processing', domain: 'mail', queue: 'high', worker_id: 'mailer-1' })
    await world.sql`
      update jobs set leased_until = now() + (case worker_id when 'mailer-1' then -1 else 1 end) * interval '1 hour', acquired_at = now()
      where domain = 'mail'`
    const place = { domain: 'mail', queue: 'high', worker_id: 'mailer-2' }
    const [failed = 0] = await world.jobs(1, { ...place, status: 'failed' })
    await world.sql`update jobs set completed_at = now() where id = ${failed}`
    await visited.go('/workers?domain=mail')
    const rows = page.getByRole('row')
    await expect.poll(() => rows.count()).toBe(3)
    expect(await rows.nth(1).getByRole('rowheader').textContent()).toBe('mailer-2')
    await page.getByRole('button', { name: 'Worker' }).click()
    await expect.poll(() => rows.nth(1).getByRole('rowheader').textContent()).toBe('mailer-1')
    expect(new URL(page.url()).search).toBe('?domain=mail&sort=worker')
    await rows.nth(1).getByRole('link', { name: '1', exact: true }).last().click()
    await expect.poll(() => new URL(page.url()).search).toBe('?worker_id=mailer-1&domain=mail&stale=true')
    await visited.go('/workers?domain=mail')
    await page.getByRole('row', { name: 'mailer-2' }).getByRole('link', { name: '1', exact: true }).click()
    await expect
      .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
      .toEqual({
        ...{ worker_id: 'mailer-2', domain: 'mail', status: 'failed,quarantined' },
        // The list writes the time of the words into its address.
        ended_after: expect.stringMatching(/^(15m|2\d{3}-.*Z)$/),
      })
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    await visited.go('/queue?domain=mail&queue=high')
    await page.getByRole('region', { name: 'Its workers' }).getByRole('rowheader', { name: 'mailer-2' }).waitFor()
    await page.getByText(/completed, \d+ failed in the last hour/).waitFor()
    expect(visited.faults).toEqual([])
  })

  it('what is done to a queue is seen in every tab, and taken back with the reason of before', async () => {
    await world.jobs(1, { status: 'queued', domain: 'media', queue: 'low' })
    const address = '/queue?domain=media&queue=low'
    const other = await page.context().newPage()
    await other.goto(`${world.url}/ui/`)
    const third = await page.context().newPage()
    await third.goto(`${world.url}/ui${address}`)
    await visited.go(address)
    const why = page.getByRole('textbox', { name: /^Why/ })
    await why.fill('disk full')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await other.getByText('disk full').waitFor()
    await third.getByText('paused', { exact: true }).waitFor()
    await why.fill('moves to another disk')
    await page.getByRole('button', { name: 'Drain', exact: true }).click()
    await other.getByText('moves to another disk').waitFor()
    await third.getByText('draining', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Take it back: Pause' }).click()
    await other.getByText('disk full').waitFor()
    await third.getByText('paused', { exact: true }).waitFor()
    await third.getByRole('button', { name: 'Resume', exact: true }).click()
    await other.getByText('moves to another disk').waitFor({ state: 'detached' })
    await other.getByText('disk full').waitFor({ state: 'detached' })
    await page.getByText('open', { exact: true }).waitFor()
    expect(visited.faults).toEqual([])
    await Promise.all([other.close(), third.close()])
  })

  it('a press counts also while the page reads what the stream told it', async () => {
    const held: Route[] = []
    const status = '**/api/v1/jobs/queue/status*'
    await world.jobs(1, { status: 'queued', domain: 'told', queue: 'low' })
    await visited.go('/queue?domain=told&queue=low')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    const back = page.getByRole('button', { name: 'Take it back: Resume' })
    await expect.poll(() => back.isEnabled()).toBe(true)
    await page.route(status, (route) => void held.push(route))
    await world.sql`update job_queue_controls set drain = true where domain = 'told'`
    await expect.poll(() => held.length).toBeGreaterThan(0)
    await back.press('Enter')
    await page.getByText('Jobs are handed out again.').waitFor()
    await page.unroute(status)
    await Promise.all(held.map((route) => route.continue().catch(() => undefined)))
    await page.getByText('open', { exact: true }).waitFor()
    expect(visited.faults).toEqual([])
  })

  it('a double click on a slow network stops a queue once, with its reason, and takes it back once', async () => {
    const clickTwice = async (name: string | RegExp, changed: RegExp) => {
      const button = page.getByRole('button', { name, exact: typeof name === 'string' })
      const box = await button.boundingBox()
      if (!box) throw new Error(`${name} is not seen`)
      const answered = page.waitForResponse(/queue\/control/)
      const place = [box.x + box.width / 2, box.y + box.height / 2] as const
      await page.mouse.click(...place)
      await answered
      await page.getByText(changed).waitFor()
      await page.mouse.click(...place)
    }
    const status = '**/api/v1/jobs/queue/status*'
    await world.jobs(1, { status: 'queued', domain: 'slow', queue: 'low' })
    await visited.go('/queue?domain=slow&queue=low')
    await page.getByRole('textbox', { name: /^Why/ }).fill('disk full')
    await page.route(status, async (route) => {
      await page.waitForTimeout(1000)
      await route.continue()
    })
    await clickTwice('Pause', /^No job is handed out; running/)
    await page.getByText('paused', { exact: true }).waitFor()
    await page.unrouteAll({ behavior: 'wait' })
    await clickTwice('Take it back: Resume', /^Jobs are handed out again/)
    await page.getByText('open', { exact: true }).waitFor()
    expect(
      await world.sql`
      select kind, reason from job_operations where domain = 'slow' order by id`,
    ).toEqual([
      { kind: 'queue.paused', reason: 'disk full' },
      { kind: 'queue.resumed', reason: null },
    ])
  })

  it('a failed job has the way to its retry', async () => {
    const [id] = await world.jobs(1, { status: 'failed' })
    await visited.go(`/jobs/${id}`)
    await page.getByRole('link', { name: 'Retry…' }).click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Retry 1 job' }).click()
    await page.getByText('1 job retried').waitFor()
    expect(await world.sql`select status from jobs where id = ${id ?? 0}`).toEqual([{ status: 'queued' }])
  })
})
