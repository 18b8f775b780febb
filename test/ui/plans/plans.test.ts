import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { makeScoped, makeToken } from '../../support/access/tokens.ts'
import { looks, sideways, violations } from '../../support/browser/axe.ts'
import { copiedBy, pressByKeyboard } from '../../support/browser/browser.ts'
import { decide, planScreens, retryPath } from '../../support/changes/plan-screens.ts'
import { planPath } from '../../support/changes/plans.ts'

const hostile = `<img src=x onerror="document.title='ran'">"></script>\u202egpj.\u{1F4A3}`

/** The call behind a button, as the page makes it; its value is the status. */
const post = (path: string, body: object): string => `fetch(${JSON.stringify(path)}, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Confirm': 'true' },
  body: ${JSON.stringify(JSON.stringify(body))},
}).then(({ status }) => status)`

describe.skipIf(!hasBrowser)('plans and approval (needs chromium)', () => {
  const screens = planScreens()
  const { visitAs, visitBy, propose, approve, states, secretOf } = screens
  const above = (jobs: number | null) =>
    screens.world.post('/api/v1/jobs/approval', { above: jobs }, screens.people.boss)

  it('one principal proposes, another approves by keyboard alone, the author applies: the jobs of the preview, once', async () => {
    await screens.world.jobs(130, { status: 'failed' })
    await above(10)
    const ann = await visitAs('ann', { expected: /403/ })
    await ann.go('/change/retry?domain=chatbooks')
    await ann.page.getByRole('button', { name: 'Preview', exact: true }).click()
    await ann.page.getByText('A change of more than 10 jobs needs an approval.').waitFor()
    expect(await ann.page.getByRole('button', { name: 'Propose' }).isDisabled()).toBe(true)
    await ann.page.getByLabel(/^Type the number/).fill('130')
    await ann.page.getByLabel(/^Why/).fill('the mailer is back – 日本')
    await ann.page.getByRole('button', { name: 'Retry 130 jobs' }).click()
    await ann.page.getByRole('alert').getByText('needs the approval of another principal').waitFor()
    expect(await violations(ann.page)).toEqual([])
    expect(await states()).toEqual([{ status: 'failed', jobs: 130 }])
    await ann.page.getByRole('region', { name: 'Propose' }).getByRole('button', { name: 'Propose' }).click()
    await ann.page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    await ann.page.getByText('the mailer is back – 日本').waitFor()
    expect(await decide(ann.page).getByRole('button', { name: 'Approve', exact: true }).isDisabled()).toBe(true)
    await decide(ann.page).getByText('of your own principal, ann').waitFor()
    expect(await ann.page.getByRole('button', { name: /^Retry/ }).count()).toBe(0)

    await screens.world.jobs(100, { status: 'failed' })
    await screens.world
      .sql`update jobs set status = 'cancelled', updated_at = now() where id in (select id from jobs order by id limit 30)`
    const ben = await visitAs('ben')
    await ben.page.getByRole('link', { name: 'Plans' }).click()
    await ben.page
      .getByRole('row', { name: /waiting/ })
      .getByRole('link')
      .click()
    await expect.poll(() => ben.page.locator('.sums dd').allTextContents()).toEqual(['130', '100', '30'])
    await ben.page.getByRole('region', { name: 'Preview' }).getByRole('heading', { name: 'Retry 130 jobs' }).waitFor()
    await decide(ben.page).getByLabel(/^Why/).focus()
    await ben.page.keyboard.type('agreed')
    await pressByKeyboard(ben.page, 'Approve')
    await ben.page.getByText('approved', { exact: true }).waitFor()
    expect(await states()).toEqual([
      { status: 'cancelled', jobs: 30 },
      { status: 'failed', jobs: 200 },
    ])

    // The page of the author learns of the approval by itself.
    await ann.page.getByRole('button', { name: 'Retry 100 jobs' }).dblclick()
    await ann.page.getByText('100 jobs retried').waitFor()
    await ann.page.getByText('applied', { exact: true }).waitFor()
    await ann.page.reload()
    await ann.page.getByText('100 jobs retried').waitFor()
    expect(await states()).toEqual([
      { status: 'cancelled', jobs: 30 },
      { status: 'failed', jobs: 100 },
      { status: 'queued', jobs: 100 },
    ])
    expect(
      await screens.world.sql`
        select affected, reason, filters -> 'principal' as people from job_operations where kind = 'retry'`,
    ).toEqual([{ affected: 100, reason: 'the mailer is back – 日本', people: { author: 'ann', approver: 'ben' } }])
    expect(await screens.world.sql`select decided_reason from jobsctl_plans`).toEqual([{ decided_reason: 'agreed' }])
    expect([ann.faults, ben.faults]).toEqual([[], []])
    await Promise.all([ann.close(), ben.close()])
    await above(null)
  })

  it('a change that needs no approval may be proposed, too, in place of being made', async () => {
    await screens.world.jobs(3, { status: 'failed' })
    const { page, go, faults, close } = await visitAs('ann')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await go('/change/retry?domain=chatbooks')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByLabel(/^Why/).fill("it's back")
    const copy = page.getByRole('form', { name: 'Confirm' }).getByRole('button', { name: 'Copy as jobsctl' })
    expect(await copiedBy(copy)).toBe(`jobsctl retry --domain chatbooks --propose --reason 'it'\\''s back'`)
    await page.getByRole('button', { name: 'Propose' }).click()
    await page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    expect(await screens.world.sql`select kind, jobs::int, reason from jobsctl_plans`).toEqual([
      { kind: 'retry', jobs: 3, reason: "it's back" },
    ])
    expect(await states()).toEqual([{ status: 'failed', jobs: 3 }])
    expect(faults).toEqual([])
    await close()
  })

  it('an undo may be proposed, also by a token with a scope', async () => {
    await screens.world.jobs(3, { status: 'failed' })
    const { body } = await screens.world.confirm(retryPath, { domain: 'chatbooks' }, screens.people.zoe)
    const { operation_id: id } = z.object({ operation_id: z.number() }).parse(body)
    const ann = await visitAs('ann')
    await ann.go(`/operations/${id}`)
    await ann.page.getByRole('button', { name: 'Preview the undo' }).click()
    await ann.page.getByLabel(/^Why/).fill('too early')
    await ann.page.getByRole('button', { name: 'Propose' }).click()
    await ann.page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    await ann.page.getByRole('heading', { name: 'Give back 3 jobs' }).waitFor()
    const scoped = await visitBy(await makeScoped(screens.world.sql, 'operator', { domains: ['chatbooks'] }))
    await scoped.go(`/operations/${id}`)
    await scoped.page.getByRole('button', { name: 'Preview the undo' }).click()
    await scoped.page.getByRole('button', { name: 'Give back 3 jobs' }).waitFor()
    await scoped.page.getByLabel(/^Why/).fill('too early')
    await scoped.page.getByRole('button', { name: 'Propose' }).click()
    await scoped.page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    await scoped.page.getByRole('heading', { name: 'Give back 3 jobs' }).waitFor()
    expect([ann.faults, scoped.faults]).toEqual([[], []])
    await Promise.all([ann.close(), scoped.close()])
  })

  it('a plan that has become another one is not decided, and the page says so', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose()
    const { page, go, close } = await visitAs('ben', { expected: /409/ })
    await go(`/plans/${plan.id}`)
    await decide(page).getByRole('button', { name: 'Approve', exact: true }).waitFor()
    await screens.world.sql`update jobsctl_plans set digest = ${'f'.repeat(64)} where id = ${plan.id}`
    await decide(page).getByRole('button', { name: 'Approve', exact: true }).click()
    await page.getByRole('alert').getByText(`the digest is not that of plan ${plan.id}`).waitFor()
    expect(await screens.world.sql`select decision from jobsctl_plans`).toEqual([{ decision: null }])
    await page.getByRole('button', { name: 'Load it again' }).click()
    await page.getByText('f'.repeat(64)).waitFor()
    await decide(page).getByRole('button', { name: 'Reject', exact: true }).click()
    await page.getByText('It was rejected, and changes nothing.').waitFor()
    await page.getByRole('button', { name: 'Refresh' }).click()
    await expect.poll(() => decide(page).count()).toBe(0)
    expect(await screens.world.sql`select decision from jobsctl_plans`).toEqual([{ decision: 'rejected' }])
    await close()
  })

  it('a double click approves once, and takes nothing back', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose()
    const { page, go, faults, close } = await visitAs('ben')
    await go(`/plans/${plan.id}`)
    const approve = decide(page).getByRole('button', { name: 'Approve', exact: true })
    // The fastest double click: the page is not drawn again between the two.
    await approve.evaluate((button: { click: () => void }) => [button.click(), button.click()])
    await decide(page).getByText('You have approved it.').waitFor()
    await page.getByRole('button', { name: 'Retry 2 jobs' }).waitFor()
    expect(await decide(page).getByRole('button', { name: 'Reject', exact: true }).isDisabled()).toBe(true)
    expect(await screens.world.sql`select kind from job_operations where kind like 'plan.%'`).toEqual([
      { kind: 'plan.approved' },
    ])
    await page.getByRole('button', { name: 'Refresh' }).click()
    await decide(page).getByRole('button', { name: 'Reject', exact: true }).click()
    await page.getByText('It was rejected, and changes nothing.').waitFor()
    expect(await states()).toEqual([{ status: 'failed', jobs: 2 }])
    expect(faults).toEqual([])
    await close()
  })

  it('where two people look at one plan, what one decides the page of the other learns, and no other button comes under a pointer', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose()
    const ben = await visitAs('ben')
    await ben.go(`/plans/${plan.id}`)
    const approve = decide(ben.page).getByRole('button', { name: 'Approve', exact: true })
    await decide(ben.page).getByLabel(/^Why/).fill('I look into it')
    const place = await approve.boundingBox()
    await screens.world.post(`${planPath}/${plan.id}/approve`, { digest: plan.digest }, screens.people.boss)
    await decide(ben.page).getByText('Meanwhile it is approved.').waitFor()
    expect(await approve.isDisabled()).toBe(true)
    const reject = await decide(ben.page).getByRole('button', { name: 'Reject', exact: true }).boundingBox()
    expect(reject?.y).toBeGreaterThan((place?.y ?? Number.POSITIVE_INFINITY) + (place?.height ?? 0))
    expect(await decide(ben.page).getByLabel(/^Why/).inputValue()).toBe('I look into it')
    await ben.page.getByText('Approved by').waitFor()
    expect(await ben.page.title()).toMatch(/^Plan \d+ · approved · /)
    // Who made it is named, not their tokens.
    const facts = ben.page.locator('main dl').filter({ hasText: 'Author' })
    expect(((await facts.textContent()) ?? '').replaceAll(/[0-9a-f]{64}/g, '')).not.toMatch(/[0-9a-f]{12}/)
    expect(ben.faults).toEqual([])
    await ben.close()
  })

  it('nobody approves a plan of their own principal, nor with a token that it has made', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const own = await propose()
    const ann = await visitAs('annAgain', { expected: /403/ })
    await ann.go(`/plans/${own.id}`)
    expect(await decide(ann.page).getByRole('button', { name: 'Approve', exact: true }).isDisabled()).toBe(true)
    expect(await ann.page.evaluate(post(`${planPath}/${own.id}/approve`, { digest: own.digest }))).toBe(403)
    await ann.close()

    const plan = await propose({ as: screens.people.boss })
    const made = await screens.world.post(
      '/api/v1/tokens',
      { name: 'x', role: 'operator', approver: true, principal: 'somebody' },
      screens.people.boss,
    )
    const { token } = z.object({ token: z.string() }).parse(made.body)
    const puppet = await visitBy(token, { expected: /403/ })
    await puppet.go(`/plans/${plan.id}`)
    await decide(puppet.page).getByRole('button', { name: 'Approve', exact: true }).click()
    await puppet.page.getByRole('alert').getByText('has made or rotated the token').waitFor()
    expect(await screens.world.sql`select decision from jobsctl_plans group by decision`).toEqual([{ decision: null }])
    await puppet.close()
  })

  it('asks for the login after 15 minutes, and comes back to the button', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose()
    const { page, go, close } = await visitAs('ben', { expected: /40[13]/ })
    await go(`/plans/${plan.id}`)
    await screens.world.sql`update jobsctl_sessions set opened_at = opened_at - interval '20 minutes'`
    await decide(page).getByLabel(/^Why/).fill('agreed')
    await decide(page).getByRole('button', { name: 'Approve', exact: true }).click()
    const again = page.getByRole('region', { name: 'Log in again' })
    await again.getByLabel('Key or token').fill('wrong')
    await again.getByRole('button', { name: 'Log in' }).click()
    await again.getByRole('alert').waitFor()
    expect(await violations(page)).toEqual([])
    await again.getByLabel('Key or token').fill(secretOf('ben'))
    await again.getByRole('button', { name: 'Log in' }).click()
    await decide(page).getByRole('button', { name: 'Approve', exact: true }).and(page.locator(':focus')).waitFor()
    expect(await screens.world.sql`select decision from jobsctl_plans`).toEqual([{ decision: null }])
    await page.keyboard.press('Enter')
    await page.getByText('approved', { exact: true }).waitFor()
    expect(await screens.world.sql`select decision, decided_reason from jobsctl_plans`).toEqual([
      { decision: 'approved', decided_reason: 'agreed' },
    ])
    await close()
  })

  it('an emergency waits for a review by somebody else', async () => {
    await screens.world.jobs(20, { status: 'failed' })
    await above(10)
    const headers = { ...screens.people.glass, 'x-emergency': 'true', 'x-reason': 'all is down' }
    expect((await screens.world.confirm(retryPath, { domain: 'chatbooks' }, headers)).status).toBe(200)
    const own = await visitAs('annAgain')
    await own.go('/operations')
    const sign = { name: 'Sign the review' }
    await own.page.getByText('of your own principal, ann').waitFor()
    expect(await own.page.getByRole('button', sign).isDisabled()).toBe(true)
    expect(await violations(own.page)).toEqual([])
    const ben = await visitAs('ben')
    await ben.go('/operations')
    await ben.page.getByRole('region', { name: 'To be reviewed' }).getByRole('link').click()
    await ben.page.getByRole('button', sign).dblclick()
    await ben.page.getByText('You have signed it.').waitFor()
    await ben.page.reload()
    await ben.page.getByRole('heading', { name: 'Request' }).waitFor()
    await expect.poll(() => ben.page.getByRole('region', { name: 'To be reviewed' }).count()).toBe(0)
    expect(await screens.world.sql`select reviewed_principal from jobsctl_emergencies`).toEqual([
      { reviewed_principal: 'ben' },
    ])
    expect([own.faults, ben.faults]).toEqual([[], []])
    await Promise.all([own.close(), ben.close()])
    await above(null)
  })

  it('who may go past an approval is told the command, which is of the terminal alone', async () => {
    await screens.world.jobs(20, { status: 'failed' })
    await above(10)
    const { page, go, close } = await visitAs('glass', { expected: /403/ })
    await go('/change/retry?domain=chatbooks')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByLabel(/^Why/).fill('all is down')
    await page.getByRole('button', { name: 'Retry 20 jobs' }).click()
    await page.getByText("jobsctl retry --domain chatbooks --emergency --reason 'all is down'").waitFor()
    expect(await violations(page)).toEqual([])
    expect(await states()).toEqual([{ status: 'failed', jobs: 20 }])
    await close()
    await above(null)
  })

  it('the states are in the address, texts of strangers are text, and a viewer can operate no control', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose({ reason: hostile })
    const token = await makeToken(screens.world.sql, 'wall', 'viewer')
    const { page, go, faults, close } = await visitBy(token, { expected: /403/ })
    await go('/plans?state=rejected')
    await page.getByText('No plan is rejected.').waitFor()
    await page.getByLabel('Show').selectOption('waiting')
    await page.getByText(escaped(hostile)).waitFor()
    expect(new URL(page.url()).search).toBe('?state=waiting')
    await page.getByRole('row').nth(1).getByRole('link').click()
    await page.getByRole('region', { name: 'Preview' }).waitFor()
    expect(await page.getByText(escaped(hostile)).count()).toBe(1)
    expect(await page.locator('img').count()).toBe(0)
    for (const name of ['Approve', 'Reject', 'Propose', /^Retry/])
      expect(await page.getByRole('button', { name }).count()).toBe(0)
    for (const action of ['approve', 'reject', 'apply'])
      expect(await page.evaluate(post(`${planPath}/${plan.id}/${action}`, { digest: plan.digest }))).toBe(403)
    await go('/clusters')
    await page.getByRole('link', { name: 'Show these jobs' }).waitFor()
    expect(await page.getByRole('link', { name: /…/ }).count()).toBe(0)
    expect(faults).toEqual([])
    await close()
  })

  it.each(looks)('%i px wide, %s: nothing for axe to find, no sideways scrolling', async (width, colorScheme) => {
    await screens.world.jobs(120, { status: 'failed' })
    const [waiting, approved] = [await propose(), await propose({ as: screens.people.zoe, reason: 'x'.repeat(200) })]
    await approve(approved)
    const { page, go, close } = await visitAs('ben', { width, colorScheme })
    for (const screen of ['/plans', `/plans/${waiting.id}`, `/plans/${approved.id}`, '/plans?state=stale']) {
      await go(screen)
      await page.waitForLoadState('networkidle').catch(() => {})
      expect([screen, await violations(page)]).toEqual([screen, []])
      expect([screen, await sideways(page)]).toEqual([screen, 0])
    }
    await close()
  })
})
