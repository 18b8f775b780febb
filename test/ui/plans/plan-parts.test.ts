import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { bearer, makeScoped } from '../../support/access/tokens.ts'
import { sideways, violations } from '../../support/browser/axe.ts'
import { pressByKeyboard } from '../../support/browser/browser.ts'
import { decide, planScreens } from '../../support/changes/plan-screens.ts'
import { planPath } from '../../support/changes/plans.ts'
import { policyOf, pruning } from '../../support/changes/policy.ts'

describe.skipIf(!hasBrowser)('what a plan is limited to (needs chromium)', () => {
  const screens = planScreens()
  const { visitAs, propose, approve, states, secretOf } = screens
  const fact = (page: Page, name: string) => page.locator('dl > div', { has: page.getByText(name, { exact: true }) })

  const completeQueued = () =>
    screens.world
      .sql`update jobs set status = 'completed', completed_at = now(), updated_at = now() where status = 'queued'`
  const others = (page: Page) => page.getByRole('region', { name: 'The other jobs' })

  it('a change of some jobs first stays one as a plan: the others follow the completed ones, once', async () => {
    await screens.world.jobs(9, { status: 'failed' })
    const { page, go, faults, close } = await visitAs('ann')
    await go('/change/retry?domain=chatbooks&canary=2')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByLabel(/^Why/).fill('the mailer is back')
    await page.getByRole('button', { name: 'Propose' }).click()
    await page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    const plans = await screens.world.sql`select id::int, digest, request from jobsctl_plans`
    const [plan = { id: 0, digest: '' }] = plans.map(({ id, digest }) => ({ id: Number(id), digest: String(digest) }))
    expect(plans.map(({ request }) => JSON.parse(request))).toEqual([expect.objectContaining({ limit: 2 })])
    await approve(plan)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByRole('button', { name: 'Retry 2 of 9 jobs first' }).dblclick()
    await others(page)
      .getByText('The other 7 jobs stay as they are, and can follow when these are completed.')
      .waitFor()
    expect(await page.getByText('skipped').count()).toBe(0)
    await page.getByText('It was applied to 2 jobs first.').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await states()).toEqual([
      { status: 'failed', jobs: 7 },
      { status: 'queued', jobs: 2 },
    ])
    await completeQueued()
    await others(page).getByText('all of them are completed').waitFor()
    await page.reload()
    await others(page).getByRole('button', { name: 'Retry 7 jobs' }).dblclick()
    await page.getByText('7 jobs retried').waitFor()
    await page.getByText('and to the others then').waitFor()
    await page.reload()
    await page.getByText('7 jobs retried').waitFor()
    expect(await states()).toEqual([
      { status: 'completed', jobs: 2 },
      { status: 'queued', jobs: 7 },
    ])
    expect(await screens.world.sql`select affected from job_operations where kind = 'retry' order by id`).toEqual([
      { affected: 2 },
      { affected: 7 },
    ])
    expect(faults).toEqual([])
    await close()
  })

  const appliedFirst = async (jobs = 130) => {
    await screens.world.jobs(jobs, { status: 'failed' })
    const plan = await propose({ request: { domain: 'chatbooks', limit: 2 } })
    await approve(plan)
    const first = await screens.world.confirm(`${planPath}/${plan.id}/apply`, {}, screens.people.ann)
    expect(first).toMatchObject({ status: 200, body: { affected: 2 } })
    return plan
  }

  it('the others of a plan that was applied elsewhere are changed on its page, by keyboard alone', async () => {
    const plan = await appliedFirst()
    const [zoe, ben] = [await visitAs('zoe'), await visitAs('ben', { width: 320 })]
    await zoe.go(`/plans/${plan.id}`)
    await ben.go(`/plans/${plan.id}`)
    await others(ben.page).getByText('The other 128 jobs stay as they are').waitFor()
    await completeQueued()
    await others(zoe.page).getByText('all of them are completed').waitFor()
    await zoe.page.getByText('It is applied by its author ann or its approver ben.').waitFor()
    expect(await zoe.page.getByRole('button', { name: /^Retry/ }).count()).toBe(0)
    const retry = ben.page.getByRole('button', { name: 'Retry 128 jobs' })
    await retry.waitFor()
    expect(await retry.isDisabled()).toBe(true)
    expect([await violations(ben.page), await sideways(ben.page)]).toEqual([[], 0])
    await ben.page.getByLabel(/^Type the number/).fill('128')
    await pressByKeyboard(ben.page, 'Retry 128 jobs')
    await ben.page.getByText('128 jobs retried').waitFor()
    await ben.page.getByText('and to the others then').waitFor()
    await expect.poll(() => decide(ben.page).count()).toBe(0)
    await fact(ben.page, 'Operation of the others').getByRole('link').waitFor()
    expect(await states()).toEqual([
      { status: 'completed', jobs: 2 },
      { status: 'queued', jobs: 128 },
    ])
    expect([zoe.faults, ben.faults]).toEqual([[], []])
    await Promise.all([zoe.close(), ben.close()])
  })

  it('a double click of the approver applies the others, and meets no other button', async () => {
    const plan = await appliedFirst(9)
    const ben = await visitAs('ben')
    await completeQueued()
    await ben.go(`/plans/${plan.id}`)
    await others(ben.page).getByRole('button', { name: 'Retry 7 jobs' }).dblclick()
    await ben.page.getByText('7 jobs retried').waitFor({ timeout: 20_000 })
    expect(await screens.world.sql`select decision from jobsctl_plans`).toEqual([{ decision: 'approved' }])
    expect(ben.faults).toEqual([])
    await ben.close()
  })

  it('the approval for the others is taken back on the page of the plan', async () => {
    const plan = await appliedFirst()
    const [ann, ben] = [await visitAs('ann', { expected: /409/ }), await visitAs('ben')]
    await completeQueued()
    await ann.go(`/plans/${plan.id}`)
    await others(ann.page).getByText('all of them are completed').waitFor()
    expect(await decide(ann.page).count()).toBe(0)
    await ben.go(`/plans/${plan.id}`)
    await decide(ben.page).getByText('takes the approval for the other jobs back').waitFor()
    expect(await decide(ben.page).getByRole('button', { name: 'Approve', exact: true }).count()).toBe(0)
    await decide(ben.page).getByLabel(/^Why/).fill('not today')
    await decide(ben.page).getByRole('button', { name: 'Reject', exact: true }).click()
    await ben.page.getByText('its approval for the others was taken back').waitFor()
    await expect.poll(() => others(ben.page).count()).toBe(0)
    await others(ann.page)
      .getByLabel(/^Type the number/)
      .fill('128')
    await others(ann.page).getByRole('button', { name: 'Retry 128 jobs' }).click()
    await ann.page.getByRole('alert').getByText('was rejected by').waitFor()
    await ann.page.getByRole('button', { name: 'Back to the plan' }).click()
    await ann.page.getByText('its approval for the others was taken back').waitFor()
    expect(await screens.world.sql`select decision, decided_reason from jobsctl_plans`).toEqual([
      { decision: 'rejected', decided_reason: 'not today' },
    ])
    expect(await states()).toEqual([
      { status: 'completed', jobs: 2 },
      { status: 'failed', jobs: 128 },
    ])
    expect([ann.faults, ben.faults]).toEqual([[], []])
    await Promise.all([ann.close(), ben.close()])
  })

  it('the others are offered no more where the term of the plan is over', async () => {
    const plan = await appliedFirst()
    await completeQueued()
    await screens.world.sql`update jobsctl_plans set expires_at = now() - interval '1 second'`
    const { page, go, faults, close } = await visitAs('ben')
    await go(`/plans/${plan.id}`)
    await page.getByText('Its time is over, and the others stay as they are. Plan them again.').waitFor()
    expect([await others(page).count(), await decide(page).count()]).toEqual([0, 0])
    expect(await page.getByRole('button', { name: /^Retry/ }).count()).toBe(0)
    expect(faults).toEqual([])
    await close()
  })

  it('a plan that goes first to more jobs than there are is of all of them', async () => {
    await screens.world.jobs(2, { status: 'failed' })
    const plan = await propose({ request: { domain: 'chatbooks', limit: 5 } })
    await approve(plan)
    const { page, go, faults, close } = await visitAs('ann')
    await go(`/plans/${plan.id}`)
    await page.getByRole('button', { name: 'Retry 2 jobs', exact: true }).click()
    await page.getByText('2 jobs retried').waitFor()
    expect(faults).toEqual([])
    await close()
  })

  it('a policy is applied once, by a caller that may govern and has logged in lately', async () => {
    await screens.world.jobs(3, { status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    const { boss, annAgain } = screens.people
    const { revision } = await policyOf(screens.world, boss)
    const path = '/api/v1/jobs/policy'
    const plan = await propose({ path, request: { rules: [pruning()], revision }, as: boss })
    await approve(plan)
    const ben = await visitAs('ben')
    await ben.go(`/plans/${plan.id}`)
    await ben.page.getByText('A policy is applied by a caller that may govern').waitFor()
    const { page, go, faults, close } = await visitAs('boss', { expected: /403/ })
    await go(`/plans/${plan.id}`)
    await page.getByRole('heading', { name: 'The first runs change 3 jobs' }).waitFor()
    expect(await fact(page, 'Where').textContent()).toContain('as its rules say')
    expect(await page.getByRole('form', { name: 'Confirm' }).count()).toBe(0)
    expect(await page.getByText('Change (policy)').count()).toBe(0)
    await screens.world.sql`update jobsctl_sessions set opened_at = opened_at - interval '20 minutes'`
    const apply = page.getByRole('button', { name: 'Apply the policy' })
    await apply.click()
    const again = page.getByRole('region', { name: 'Log in again' })
    await again.waitFor()
    expect(await violations(page)).toEqual([])
    expect((await policyOf(screens.world, annAgain)).revision).toBe(revision)
    await again.getByLabel('Key or token').fill(secretOf('boss'))
    await again.getByRole('button', { name: 'Log in' }).click()
    await apply.and(page.locator(':focus')).waitFor()
    await apply.evaluate((button: { click: () => void }) => [button.click(), button.click()])
    await page.getByText('It was applied, and cannot be applied again.').waitFor()
    expect(await apply.count()).toBe(0)
    expect((await policyOf(screens.world, annAgain)).revision).not.toBe(revision)
    expect([faults, ben.faults]).toEqual([[], []])
    await Promise.all([close(), ben.close()])
  })

  it('its approver sees its scope, and the dependents outside of it', async () => {
    await screens.world.jobs(2, { status: 'queued', domain: 'a' })
    await screens.world.jobs(3, { status: 'queued', domain: 'b' })
    await screens.world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select later.uuid, (select uuid from jobs where domain = 'a' order by id limit 1) from jobs as later where later.domain = 'b'`
    const author = bearer(await makeScoped(screens.world.sql, 'operator', { domains: ['a'], cascade: true }))
    const plan = await propose({ path: '/api/v1/jobs/batch/cancel', request: { all: true }, as: author })
    expect(plan).toMatchObject({ count: 2, preview: { dependents_elsewhere: 3 } })
    const { page, go, faults, close } = await visitAs('ben')
    await go('/plans')
    await page.getByRole('cell', { name: 'every domain, within domain a' }).waitFor()
    await go(`/plans/${plan.id}`)
    await fact(page, 'Dependents outside of the scope').getByText('3 jobs').waitFor()
    expect(await fact(page, 'Where').textContent()).toContain('every domain, within domain a')
    expect(faults).toEqual([])
    await close()
  })
})
