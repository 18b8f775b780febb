import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { escaped } from '../../shared/text/escape.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

const hostile = `<img src=x onerror="document.title='ran'">"></script>\u202egpj.\u{1F4A3}`

describe.skipIf(!hasBrowser)('list and show (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let browser: Browser
  let visited: Visit
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, browser, visited } = opened)
    await world.jobs(120, { status: 'completed', domain: 'chatbooks', queue: 'default' })
    await world.jobs(7, { status: 'failed', domain: 'media', queue: 'low' })
  })
  afterAll(() => opened?.stop())
  const ids = (): Promise<string[]> => visited.page.locator('tbody tr td:nth-child(2)').allInnerTexts()

  it('what is shown is in the address: filter, order, page; back, forward and another browser show the same', async () => {
    const { page, go } = visited
    await go('/jobs')
    await expect.poll(async () => (await ids()).length).toBe(50)
    const first = await ids()
    await page.getByRole('button', { name: 'Next page' }).click()
    await expect.poll(ids).not.toEqual(first)
    const second = await ids()
    const address = page.url()
    await page.goBack()
    await expect.poll(ids).toEqual(first)
    await page.goForward()
    await expect.poll(ids).toEqual(second)
    const fresh = await visit(browser, world, { secret: world.key })
    await fresh.page.goto(address)
    await expect.poll(() => fresh.page.locator('tbody tr td:nth-child(2)').allInnerTexts()).toEqual(second)
    await fresh.close()
    await page.getByRole('button', { name: 'Previous page' }).click()
    await expect.poll(ids).toEqual(first)
  })

  it('filters by the words of the flags, and takes them away', async () => {
    const { page, go } = visited
    await go('/jobs')
    await page.getByRole('button', { name: 'failed', exact: true }).click()
    await expect.poll(async () => (await ids()).length).toBe(7)
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.pressSequentially('que')
    await page.getByRole('option', { name: 'queue:' }).waitFor()
    await box.press('ArrowDown')
    await box.press('Tab')
    await box.pressSequentially('lo')
    await page.getByRole('option', { name: 'queue:low' }).click()
    await box.press('Enter')
    await page.getByRole('button', { name: /Queue: low/ }).waitFor()
    expect(new URL(page.url()).search).toBe('?status=failed&queue=low')
    await expect.poll(async () => (await ids()).length).toBe(7)
    await page.getByRole('button', { name: 'failed', exact: true }).click()
    await page.getByRole('button', { name: /Queue: low/ }).click()
    await expect.poll(async () => (await ids()).length).toBe(50)
  })

  it('a word that is no filter is told, and stays in the box', async () => {
    const { page, go } = visited
    await go('/jobs')
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.fill('status:failed colour:red')
    await box.press('Enter')
    await page.getByRole('alert').getByText('No filter is called “colour”').waitFor()
    expect(await box.inputValue()).toBe('status:failed colour:red')
    expect(new URL(page.url()).search).toBe('')
  })

  it('words without a name are one text, of which none is left out', async () => {
    const { page, go } = visited
    await go('/jobs')
    const box = page.getByRole('combobox', { name: 'Filter' })
    await box.fill('mailbox unavailable status:failed status:queued')
    await box.press('Enter')
    await page.getByRole('button', { name: /Error has the text: mailbox unavailable/ }).waitFor()
    const { searchParams } = new URL(page.url())
    expect([searchParams.get('status'), searchParams.get('error')]).toEqual(['failed,queued', 'mailbox unavailable'])
  })

  it('a cell filters, the number that match is told, and what is seen is a file', async () => {
    const { page, go } = visited
    await world.sql`update jobs set error_code = 'smtp', error_message = '=550, "no" box' where domain = 'media'`
    await go('/jobs?status=failed')
    await page.getByText('7 jobs match').waitFor()
    await page.getByText('=550, "no" box').first().waitFor()
    await page.getByRole('link', { name: 'smtp' }).first().click()
    expect(new URL(page.url()).search).toBe('?status=failed&error_code=smtp')
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'CSV', exact: true }).click()
    const text = (await (await saved).createReadStream()).setEncoding('utf8')
    const lines = (await text.toArray()).join('').split('\r\n')
    expect(lines).toHaveLength(9)
    expect(lines[1]).toContain(`,smtp,"'=550, ""no"" box",`)
    await go('/jobs')
    await page.getByText('at least 50 jobs match').waitFor()
    await world.jobs(60, { status: 'queued', domain: 'waits' })
    await go('/jobs?domain=waits&status=queued')
    await page.getByText('60 jobs match').waitFor()
    await world.sql`delete from jobs where domain = 'waits'`
  })

  it('follows the list on request, and not while a row is selected', async () => {
    const { page, go } = visited
    await go('/jobs?domain=follows')
    await page.getByText('No job matches.').waitFor()
    await page.getByRole('button', { name: 'Live' }).click()
    const [first] = await world.jobs(1, { status: 'queued', domain: 'follows' })
    await page.getByLabel(`Select job ${first}`).check()
    await page.getByText('still while jobs are selected').waitFor()
    const [second] = await world.jobs(1, { status: 'queued', domain: 'follows' })
    await page.waitForTimeout(2500)
    expect(await page.getByRole('row').count()).toBe(2)
    await page.getByLabel(`Select job ${first}`).uncheck()
    await page.getByLabel(`Select job ${second}`).waitFor()
  })

  it('a narrow screen has two lines a job', async () => {
    const narrow = await visit(browser, world, { secret: world.key, width: 390 })
    await narrow.go('/jobs?status=failed')
    await narrow.page.getByRole('list', { name: 'Jobs' }).getByRole('listitem').first().waitFor()
    expect(await narrow.page.getByRole('table').count()).toBe(0)
    expect(await narrow.page.evaluate<number>('document.documentElement.scrollWidth')).toBe(390)
    await narrow.close()
  })

  it('an unknown parameter is told, and a wrong value is what the server says of it', async () => {
    const wrong = await visit(browser, world, { secret: world.key, expected: /422/ })
    await wrong.go('/jobs?colour=red&status=lost')
    await wrong.page.getByText('The address has colour, which this screen does not know').waitFor()
    await wrong.page.getByRole('alert').getByText('must be one of queued').first().waitFor()
    await wrong.close()
  })

  it('shows texts of strangers as text, in every field', async () => {
    const { page, go, faults } = visited
    const [id] = await world.sql<{ id: number }[]>`
      insert into jobs (uuid, domain, queue, job_type, status, payload, owner_user_id, error_code, error_message, worker_id, batch_group)
      values (gen_random_uuid()::text, 'x', 'x', ${hostile}, 'failed', ${JSON.stringify({ [hostile]: hostile })}::text::jsonb,
        ${hostile}, ${hostile}, ${hostile}, ${hostile}, ${hostile})
      returning id`
    await go('/jobs')
    await page.getByText(escaped(hostile)).first().waitFor()
    await go(`/jobs/${id?.id}`)
    await page.locator('pre.json').first().waitFor()
    expect(await page.getByText(escaped(hostile)).count()).toBeGreaterThan(3)
    // A queue without workers is named between the two.
    expect(await page.title()).toMatch(new RegExp(`^Job ${id?.id} · ([^<]+ · )?jobsctl$`))
    expect(await page.locator('img').count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('numbers of a payload keep their digits, and a large one opens folded', async () => {
    const { page, go } = visited
    const [id] = await world.jobs(1, { status: 'completed' })
    await world.sql`
      update jobs
      set payload = jsonb_build_object('exact', 12345678901234567890123::numeric, 'long', repeat('x', 1000000))
      where id = ${id ?? 0}`
    await go(`/jobs/${id}`)
    const open = page.getByRole('button', { name: /^Show all/ })
    await open.waitFor()
    expect((await page.content()).length).toBeLessThan(20_000)
    await open.click()
    await page.getByText('12345678901234567890123').waitFor()
  })

  it('what looks secret is masked until somebody reveals it', async () => {
    const { page, go } = visited
    const [id] = await world.jobs(1, { status: 'completed' })
    await world.sql`update jobs set payload = '{"password": "hunter two"}' where id = ${id ?? 0}`
    await go(`/jobs/${id}`)
    await page.locator('pre.json').first().waitFor()
    expect(await page.content()).not.toContain('hunter two')
    await page.getByRole('button', { name: 'Reveal what looks secret' }).click()
    await page.getByText('hunter two').waitFor()
  })

  it('what was revealed is gone when it is masked, also where the server does not answer', async () => {
    const { page, go, close } = await visit(browser, world, { secret: world.key, expected: /ERR_/ })
    const [id] = await world.jobs(1, { status: 'completed' })
    await world.sql`update jobs set payload = '{"password": "hunter two"}' where id = ${id ?? 0}`
    await go(`/jobs/${id}`)
    await page.getByRole('button', { name: 'Reveal what looks secret' }).click()
    await page.getByText('hunter two').waitFor()
    await page.route(`**/api/v1/jobs/${id}?*`, (route) => route.abort())
    await page.getByRole('button', { name: 'Mask what looks secret' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.content()).not.toContain('hunter two')
    await close()
  })

  it('a job that failed shows its error, its course, its neighbours and those like it, with the ways out', async () => {
    const { page, go, faults } = visited
    const stack =
      'SmtpError: 550 unavailable\n    at send (src/smtp.ts:88:11)\n    at a (b)\n    at c (d)\n    at e (f)\n    at g (h)'
    const create = async (body: object) => Object(await world.post('/api/v1/jobs', body).then(({ body }) => body))
    const needed = await create({ domain: 'post', queue: 'in', job_type: 'invoice', payload: {} })
    const request = { domain: 'post', queue: 'out', job_type: 'receipt', payload: { order: 7 }, max_retries: 1 }
    const key = { idempotency_key: 'order-7' }
    const job = await create({ ...request, ...key, owner_user_id: 'user-7', depends_on: [needed.uuid] })
    const review = { domain: 'post', queue: 'in', job_type: 'review', payload: {}, ...key }
    const waits = await create({ ...review, depends_on: [job.uuid] })
    const lease = async (queue: string) => {
      const { body } = await world.post('/api/v1/jobs/acquire', { domain: 'post', queue, worker_id: 'mailer-2' })
      return Object(body).jobs[0]
    }
    const first = await lease('in')
    await world.post(`/api/v1/jobs/${first.id}/complete`, { worker_id: 'mailer-2', lease_id: first.lease_id })
    for (const attempt of [1, 2]) {
      await world.sql`update jobs set available_at = now() where id = ${job.id} and status = 'queued'`
      const leased = await lease('out')
      const failure = {
        error: `550 unavailable ${attempt}`,
        error_code: `smtp_${attempt}`,
        error_class: 'SmtpError',
        error_stack: stack,
      }
      await world.post(`/api/v1/jobs/${leased.id}/fail`, {
        worker_id: 'mailer-2',
        lease_id: leased.lease_id,
        ...failure,
      })
    }
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, error_code, error_message, completed_at)
      values (gen_random_uuid()::text, 'post', 'out', 'receipt', 'failed', 'smtp_2', '550 unavailable 3', now())`
    await go(`/jobs/${job.id}`)
    await page.getByText('2 jobs like this').waitFor()
    await page.getByText('attempt 2 of 2').waitFor()
    const error = page.getByRole('region', { name: 'Error' })
    expect(await error.locator('.message').textContent()).toBe('550 unavailable 2')
    expect(await error.locator('pre').first().textContent()).toContain('at send (src/smtp.ts:88:11)\n')
    await error.getByText('1 more line of the stack').click()
    await error.getByText('at g (h)').waitFor()
    const steps = await page.getByRole('region', { name: 'What happened' }).getByRole('listitem').allInnerTexts()
    expect(
      steps.map((step) =>
        step
          .replaceAll(/[\d.:-]+/g, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      ),
    ).toEqual([
      expect.stringMatching(/^enqueued by single-?user$/),
      expect.stringMatching(/^leased by mailer waited (\d )?\w+$/),
      expect.stringMatching(/^failed, tries again · smtp_ ran s$/),
      expect.stringMatching(/^leased by mailer backoff s$/),
      expect.stringMatching(/^failed for good · smtp_ ran s$/),
    ])
    await page
      .getByRole('list', { name: 'Waits for' })
      .getByRole('link', { name: String(needed.id) })
      .waitFor()
    await page
      .getByRole('list', { name: 'Waiting for this job' })
      .getByRole('link', { name: String(waits.id) })
      .waitFor()
    await page.getByText('1 of 1 before it completed; 1 after it cancelled.').waitFor()
    await page.getByRole('link', { name: 'user-7' }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('?owner_user_id=user-7')
    await page.goBack()
    await expect.poll(() => page.title()).toMatch(new RegExp(`^Job ${job.id} · failed · `))
    await page.getByRole('link', { name: 'order-7' }).click()
    await page.getByText('2 jobs match').waitFor()
    // No change takes a key: what it takes would be wider than what is seen.
    expect(await page.getByLabel('All jobs that match').count()).toBe(0)
    await page.goBack()
    await page.getByRole('button', { name: 'Retry…', exact: true }).click()
    await expect.poll(() => page.url()).toContain(`/change/retry?ids=${job.id}`)
    expect(faults).toEqual([])
  })

  it('a payload is folded where it is deep, and a value in it is found and leads to the jobs that have it', async () => {
    const { page, go } = visited
    const [id] = await world.jobs(1, { status: 'completed' })
    const payload = {
      customer: { id: 7, address: { city: 'Köln', zip: '50667' } },
      items: Array.from({ length: 300 }, (_none, at) => at),
    }
    await world.sql`update jobs set payload = ${JSON.stringify(payload)}::text::jsonb where id = ${id ?? 0}`
    await go(`/jobs/${id}`)
    await page.getByRole('button', { name: '2 names' }).click()
    await page.getByText('50667').waitFor()
    await page.getByRole('button', { name: '200 more' }).waitFor()
    await page.getByLabel('Find in the payload').fill('zip')
    await page.getByRole('link', { name: 'same value' }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('?payload.customer.address.zip=50667')
  })

  it('times that no calendar has are shown as they are', async () => {
    const { page, go } = visited
    const [id] = await world.jobs(1, { status: 'failed' })
    await world.sql`
      update jobs set created_at = 'infinity', completed_at = '-infinity', available_at = '294276-12-31 00:00Z' where id = ${id ?? 0}`
    for (const screen of ['/jobs?status=failed', `/jobs/${id}`]) {
      await go(screen)
      await page.getByText('infinity').first().waitFor()
      expect([screen, await page.getByText('NaN').count()]).toEqual([screen, 0])
    }
  })

  it('an unknown job is told', async () => {
    const { page, close } = await visit(browser, world, { secret: world.key, expected: /404/ })
    await page.goto(`${world.url}/ui/jobs/999999999`)
    await page.getByRole('alert').waitFor()
    await close()
  })
})
