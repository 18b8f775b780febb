import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { bearer, makeScoped } from '../support/access/tokens.ts'
import { violations } from '../support/axe.ts'
import { visit } from '../support/browser.ts'
import { makePeople, type People, planOf, planPath } from '../support/changes/plans.ts'
import { policyOf, pruning } from '../support/changes/policy.ts'
import { openWorld, type World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('what a plan is limited to (needs chromium)', () => {
  let world: World
  let browser: Browser
  let people: People
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    people = await makePeople(world.sql)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })
  beforeEach(() => world.sql`truncate jobs, job_operations, jobsctl_plans cascade`)

  const visitAs = (who: keyof People) =>
    visit(browser, world, { secret: (people[who].authorization ?? '').replace('Bearer ', '') })
  const propose = async (path: string, request: object, as: Record<string, string> = people.ann) =>
    planOf(await world.post(planPath, { path, request }, { ...as, 'x-reason': 'the mailer is back' }))
  const approve = ({ id, digest }: { id: number; digest: string }) =>
    world.post(`${planPath}/${id}/approve`, { digest }, people.ben)
  const fact = (page: Page, name: string) => page.locator('dl > div', { has: page.getByText(name, { exact: true }) })
  const states = () =>
    world.sql`select status, count(*)::int as jobs from jobs group by status order by status`.then((rows) => [...rows])

  it('a change of some jobs first stays one as a plan: the others follow the completed ones, once', async () => {
    await world.jobs(9, { status: 'failed' })
    const { page, go, faults, close } = await visitAs('ann')
    await go('/change/retry?domain=chatbooks&canary=2')
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByLabel(/^Why/).fill('the mailer is back')
    await page.getByRole('button', { name: 'Propose' }).click()
    await page.getByRole('heading', { name: /^Plan \d+$/ }).waitFor()
    const plans = await world.sql`select id::int, digest, request from jobsctl_plans`
    const [plan = { id: 0, digest: '' }] = plans.map(({ id, digest }) => ({ id: Number(id), digest: String(digest) }))
    expect(plans.map(({ request }) => JSON.parse(request))).toEqual([expect.objectContaining({ limit: 2 })])
    await approve(plan)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByRole('button', { name: 'Retry 2 of 9 jobs first' }).dblclick()
    const course = page.getByRole('region', { name: 'Course' })
    await course.getByText('The other 7 jobs stay as they are, and can follow when these are completed.').waitFor()
    expect(await course.getByText('skipped').count()).toBe(0)
    await page.getByText('It was applied to 2 jobs first.').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await states()).toEqual([
      { status: 'failed', jobs: 7 },
      { status: 'queued', jobs: 2 },
    ])
    await world.sql`update jobs set status = 'completed', completed_at = now(), updated_at = now() where status = 'queued'`
    await course.getByText('all of them are completed').waitFor()
    await page.reload()
    await course.getByRole('button', { name: 'Retry the other 7 jobs' }).dblclick()
    await course.getByText('7 jobs retried').waitFor()
    await page.reload()
    await course.getByText('7 jobs retried').waitFor()
    expect(await states()).toEqual([
      { status: 'completed', jobs: 2 },
      { status: 'queued', jobs: 7 },
    ])
    expect(await world.sql`select affected from job_operations where kind = 'retry' order by id`).toEqual([
      { affected: 2 },
      { affected: 7 },
    ])
    expect(faults).toEqual([])
    await close()
  })

  it('a plan that goes first to more jobs than there are is of all of them', async () => {
    await world.jobs(2, { status: 'failed' })
    const plan = await propose('/api/v1/jobs/retry-now', { domain: 'chatbooks', limit: 5 })
    await approve(plan)
    const { page, go, faults, close } = await visitAs('ann')
    await go(`/plans/${plan.id}`)
    await page.getByRole('button', { name: 'Retry 2 jobs', exact: true }).click()
    await page.getByText('2 jobs retried').waitFor()
    expect(faults).toEqual([])
    await close()
  })

  it('a policy is applied at the terminal', async () => {
    await world.jobs(3, { status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    const { revision } = await policyOf(world, people.boss)
    const plan = await propose('/api/v1/jobs/policy', { rules: [pruning()], revision }, people.boss)
    await approve(plan)
    const { page, go, faults, close } = await visitAs('boss')
    await go(`/plans/${plan.id}`)
    await page.getByText(`jobsctl apply ${plan.id}`, { exact: false }).first().waitFor()
    await page.getByRole('heading', { name: 'The first runs change 3 jobs' }).waitFor()
    expect(await fact(page, 'Where').textContent()).toContain('as its rules say')
    expect(await page.getByRole('form', { name: 'Confirm' }).count()).toBe(0)
    expect(await page.getByText('Change (policy)').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    expect(faults).toEqual([])
    await close()
  })

  it('its approver sees its scope, and the dependents outside of it', async () => {
    await world.jobs(2, { status: 'queued', domain: 'a' })
    await world.jobs(3, { status: 'queued', domain: 'b' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select later.uuid, (select uuid from jobs where domain = 'a' order by id limit 1) from jobs as later where later.domain = 'b'`
    const author = bearer(await makeScoped(world.sql, 'operator', { domains: ['a'], cascade: true }))
    const plan = await propose('/api/v1/jobs/batch/cancel', { all: true }, author)
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
