import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { applyPolicy } from '../../shared/policy/policy.ts'
import { sideways } from '../support/browser/axe.ts'
import { type OpenedVisit, openVisit } from '../support/browser/browser.ts'

/** The widths of a phone, a tablet, a window at 200 % and a small laptop, in pixels. */
const widths = [390, 640, 768, 1024]

/** Names that somebody's program may give: markup, without a place to break, from right to left, of several code units, none. */
const names = [
  '<img src=x onerror="document.title=1">',
  'n'.repeat(300),
  'שלום עולם '.repeat(20),
  '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  'mailer-1.eu-central-1.compute.internal:4007/4f1c',
  '',
]

/** By how many pixels tables are wider than their places. */
const widerBy = `[...document.querySelectorAll('.scroll')]
  .map((box) => box.scrollWidth - box.clientWidth)
  .filter((over) => over > 0)`

const cutCells = `[...document.querySelectorAll('.rows :is(th, td)')]
  .filter((cell) => cell.scrollWidth > cell.clientWidth)
  .map(({ textContent }) => textContent)`

/** By how many pixels the second lines of the cells of a row differ, at most. */
const unevenBy = `Math.max(...[...document.querySelectorAll('.rows tbody tr')].map((row) => {
  const tops = [...row.querySelectorAll('.message')].flatMap((line) => {
    const text = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode()
    if (!text) return []
    const range = document.createRange()
    range.selectNode(text)
    return range.getBoundingClientRect().top
  })
  return tops.length < 3 ? Number.NaN : Math.max(...tops) - Math.min(...tops)
}))`

const policyRules = [
  {
    ...{ name: 'completed-orders-after-a-month', domain: 'orders', at: '15,45 3 * * 1-5', time_zone: 'Europe/Berlin' },
    ...{ max: 10_000, mode: 'report', prune: { statuses: ['completed', 'cancelled'], older_than_days: 30 } },
  },
  {
    ...{ name: 'stuck', domain: 'orders', queue: 'high', at: '*/5 * * * *', time_zone: 'UTC', max: 100, mode: 'apply' },
    sweep: { action: 'cancel', age_seconds: 172_800, runtime_seconds: 21_600 },
  },
]

describe.skipIf(!hasBrowser)('screens in narrow windows (needs chromium)', () => {
  let opened: OpenedVisit | undefined
  beforeAll(async () => {
    opened = await openVisit()
    const { world } = opened
    for (const name of names) {
      const place = { domain: name, queue: name, job_type: name, worker_id: name }
      await world.jobs(3, {
        ...place,
        status: 'failed',
        error_code: name,
        error_message: name,
        owner_user_id: name,
        days: 0,
      })
      await world.jobs(2, { ...place, status: 'processing' })
      await world.jobs(1, { ...place, status: 'queued' })
    }
    await world.jobs(2, { status: 'quarantined' })
    const mailer = { domain: 'orders', queue: 'high', job_type: 'receipt', worker_id: names[4] ?? '' }
    const error = { error_code: 'smtp_550', error_message: '550 mailbox unavailable (req_22bb799af31)' }
    await world.jobs(3, { ...mailer, ...error, status: 'failed', owner_user_id: 'customer-188', days: 0 })
    await world.jobs(3, { ...mailer, status: 'processing' })
    const reason = { 'x-reason': 'the mailer was down for an hour, and its jobs are wanted before noon' }
    await world.confirm('/api/v1/jobs/batch/requeue_quarantined', { domain: 'chatbooks' }, reason)
    for (const domain of ['chatbooks', names[0]])
      await world.confirm('/api/v1/jobs/queue/control', { domain, queue: 'default', action: 'pause', reason: names[1] })
    await world.confirm(applyPolicy.path, { rules: policyRules, revision: 0 }, reason)
    await world.sql`
      insert into job_events (domain, queue, job_type, event_type, attrs_json)
      select name, name, name, 'job.failed', jsonb_build_object('error', name)
      from unnest(${[...names, 'orders']}::text[]) as name`
    await world.sql`insert into jobsctl_marks (text, caller) select name, name from unnest(${names}::text[]) as name where name <> ''`
  })
  afterAll(() => opened?.stop())

  const place = (name = '') => new URLSearchParams({ domain: name, queue: name })

  it('no page scrolls sideways, whatever the names are, and no table of many columns does', async () => {
    if (!opened) return
    const { page, visited } = opened
    const screens = [
      ['/', '.queues tbody tr'],
      ['/jobs', '.rows tbody tr'],
      ['/jobs/7', '.about'],
      [`/queue?${place(names[0])}`, '.sums'],
      [`/queue?${place(names[4])}`, '.sums'],
      ['/clusters', '.cluster'],
      ['/workers', '.rows tbody tr'],
      ['/history', '.chart'],
      ['/events', '.rows tbody tr'],
      ['/events?after=0&limit=1', '.rows tbody tr'],
      ['/operations', '.rows tbody tr'],
      ['/operations/1', 'main dl'],
      ['/change/retry?status=failed', 'main form'],
      ['/policy', '.rows tbody tr'],
    ] as const
    for (const [screen, part] of screens) {
      await page.setViewportSize({ width: 1280, height: 800 })
      await visited.go(screen)
      await page.locator(part).first().waitFor()
      for (const width of widths) {
        await page.setViewportSize({ width, height: 800 })
        const measured = async () => [
          ...[screen, width, Math.max(0, await sideways(page))],
          width > 900 ? [] : await page.evaluate(widerBy),
        ]
        await expect.poll(measured, { timeout: 20_000 }).toEqual([screen, width, 0, []])
      }
    }
    // No call takes a name of 300 characters.
    expect(visited.faults.filter((fault) => !fault.includes('422'))).toEqual([])
  })

  it('with names as people give them, no table scrolls sideways in a small window', async () => {
    if (!opened) return
    const { page, visited } = opened
    const scope = new URLSearchParams({ domain: 'orders' })
    for (const screen of [
      `/jobs?${scope}`,
      `/jobs?status=failed&${scope}`,
      `/workers?${scope}`,
      `/events?${scope}`,
      '/operations',
      '/policy',
    ]) {
      await page.setViewportSize({ width: 1024, height: 800 })
      await visited.go(screen)
      await page.locator('.rows tbody tr').first().waitFor()
      const measured = async () => [screen, await page.evaluate(widerBy)]
      await expect.poll(measured, { timeout: 20_000 }).toEqual([screen, []])
      if (screen.startsWith('/jobs?status')) expect(await page.evaluate<number>(unevenBy)).toBeLessThan(1)
    }
    // The last of them is the policy, whose rules are read whole.
    expect(await page.evaluate(cutCells)).toEqual([])
  })
  it('the groups of a preview are lines in a narrow window, and a choice is not as wide as the longest name in it', async () => {
    if (!opened) return
    const { page, visited } = opened
    await page.setViewportSize({ width: 390, height: 800 })
    await visited.go('/change/retry?status=failed')
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.locator('.preview .rows tbody tr').first().waitFor()
    await expect.poll(() => page.evaluate(widerBy), { timeout: 20_000 }).toEqual([])
    await page.setViewportSize({ width: 1280, height: 800 })
    await visited.go('/clusters')
    const choice = page.getByRole('combobox', { name: 'Failed' })
    await choice.getByText(`since ${names[1]}`).waitFor({ state: 'attached' })
    expect((await choice.boundingBox())?.width).toBeLessThanOrEqual(320)
  })
})
