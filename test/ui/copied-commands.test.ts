import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { copiedBy, type OpenedVisit, openVisit, type Visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

const scope = ['--domain', 'shop', '--queue', 'mail', '--job-type', 'receipt']
const inAddress = 'domain=shop&queue=mail&job_type=receipt'

describe.skipIf(!hasBrowser)('the commands that screens copy (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const place = { domain: 'shop', queue: 'mail', job_type: 'receipt' }
    for (const status of ['queued', 'processing', 'failed', 'quarantined', 'completed'] as const)
      await world.jobs(2, { ...place, status })
    await world.jobs(2, { status: 'failed' })
  })
  afterAll(() => opened?.stop())

  it.each([
    `/events?${inAddress}&after=1`,
    `/events?${inAddress}&since=1h&limit=5`,
    `/history?${inAddress}&since=6h&step=1h`,
    `/clusters?${inAddress}&status=failed&since=24h`,
    ...['retry', 'requeue', 'cancel', 'priority', 'reschedule', 'reclaim', 'prune'].map(
      (kind) => `/change/${kind}?${inAddress}`,
    ),
    `/change/sweep?${inAddress}&age_seconds=60`,
  ])('%s: it runs, and keeps the jobs of the screen', async (screen) => {
    const before = await world.fingerprint()
    await visited.go(screen)
    const copied = await copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }).first())
    const words = copied.split(' ').slice(1)
    expect(words.join(' ')).toContain(scope.join(' '))
    const { code, err } = await world.jobsctl(words)
    expect([code, err.includes('error:')]).toEqual([0, false])
    expect(await world.fingerprint()).toBe(before)
  })

  it.each([
    '/events?domain=-shop&queue=-q&job_type=-t&since=1h',
    '/history?domain=-shop&queue=-q&job_type=-t&since=6h',
    '/clusters?domain=-shop&queue=-q&job_type=-t',
    '/change/retry?domain=-shop&queue=-q&job_type=-t&error=-1&error_code=-2&worker_id=-w',
    '/change/cancel?domain=-shop&error=-1',
  ])('%s: a value that begins with a hyphen stays a value', async (screen) => {
    await world.jobs(2, { status: 'failed', domain: '-shop', queue: '-q', job_type: '-t' })
    await visited.go(screen)
    const copied = await copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }).first())
    const { code, err } = await world.jobsctl(copied.split(' ').slice(1))
    expect([copied, code, err.includes('error:')]).toEqual([copied, 0, false])
  })

  it('of jobs that were chosen in the list of a domain: their ids alone', async () => {
    const [id] = await world.jobs(1, { status: 'queued', domain: 'chosen' })
    await visited.go('/jobs?domain=chosen')
    await page.getByRole('checkbox', { name: `Select job ${id}` }).check()
    await page.getByLabel('This 1 job:').selectOption('cancel')
    const copied = await copiedBy(page.getByRole('button', { name: 'Copy as jobsctl' }).first())
    expect(copied).toBe(`jobsctl cancel ${id} --dry-run`)
    expect((await world.jobsctl(copied.split(' ').slice(1))).code).toBe(0)
    await visited.go(`/change/cancel?queue=chosen&ids=${id}`)
    await page.getByText('jobsctl has no flags for this').waitFor()
  })
})
