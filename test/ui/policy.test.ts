import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { applyPolicy, type Policy } from '../../shared/policy/policy.ts'
import { looks, sideways, violations } from '../support/browser/axe.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

const rules = [
  {
    ...{ name: 'old', domain: 'chatbooks', at: '15 3 * * *', time_zone: 'UTC', max: 1000, mode: 'apply' },
    prune: { statuses: ['completed'], older_than_days: 1 },
  },
]

describe.skipIf(!hasBrowser)('the policy (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
  })
  afterAll(() => opened?.stop())

  const applied = async (): Promise<Policy> => {
    const { body } = await world.call('GET', applyPolicy.path)
    return applyPolicy.output.parse(body)
  }

  it('says that none is applied, and how one is', async () => {
    await visited.go('/policy')
    await page.getByText('No policy is applied.').waitFor()
    expect(await violations(page)).toEqual([])
  })

  it('has each rule with its next times and its last run, and what it would have done', async () => {
    await world.jobs(6, { status: 'completed' })
    await world.sql`update jobs set created_at = now() - interval '3 days', completed_at = now() - interval '3 days'`
    await world.confirm(applyPolicy.path, { rules, revision: 0 })
    await visited.go('/policy')
    const row = page.getByRole('row').filter({ hasText: 'prune completed older than 1 d' })
    await row.getByText('none yet').waitFor()
    expect(await row.locator('time').count()).toBe(4)
    await page.getByRole('button', { name: 'Simulate' }).click()
    await page.getByText(/6 came under it, and its runs would have taken 6/).waitFor()
    expect((await world.sql`select from jobs`).length).toBe(6)
    await world.sql`
      update jobsctl_policy_rules
      set state = 'partial', due_at = now(), began_at = now(), ended_at = now(), matched = 6, complete = true, affected = 4, missed = 2, problem = 'its server stopped'`
    await page.getByRole('button', { name: 'Refresh' }).click()
    await row.getByText('2 left to the next run').waitFor()
    await row.getByText('its server stopped').waitFor()
    expect(visited.faults).toEqual([])
  })

  it('is edited, previewed, and applied with a reason; a list that is none yet is not sent', async () => {
    await visited.go('/policy')
    await page.getByRole('button', { name: 'Edit the rules…' }).click()
    const text = page.getByRole('textbox', { name: 'Rules as JSON' })
    await text.fill('[{')
    await page.getByText('This is no JSON list of rules yet.').waitFor()
    expect(await page.getByRole('button', { name: 'Preview' }).getAttribute('aria-disabled')).toBe('true')
    await text.fill(JSON.stringify([{ ...rules[0], max: 7 }]))
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByText('old: 6 match now, and its first run changes 6').waitFor()
    expect((await applied()).revision).toBe(1)
    await page.getByRole('textbox', { name: /^Why/ }).fill('smaller runs')
    await page.getByRole('button', { name: 'Apply 1 rule' }).click()
    await page.getByText('at most 7 a run').waitFor()
    expect(await applied()).toMatchObject({ revision: 2, applied: { reason: 'smaller runs' } })
    expect(visited.faults).toEqual([])
  })

  it('names each fault of a rule, and refuses a policy that somebody else has applied meanwhile', async () => {
    const wrong = await visit(opened.browser, world, { secret: world.key, expected: /422|409/ })
    await wrong.go('/policy')
    await wrong.page.getByRole('button', { name: 'Edit the rules…' }).click()
    await wrong.page.getByRole('textbox', { name: 'Rules as JSON' }).fill(JSON.stringify([{ ...rules[0], max: 0 }]))
    await wrong.page.getByRole('button', { name: 'Preview' }).click()
    await wrong.page.getByRole('alert').getByText('max').first().waitFor()
    await wrong.page.getByRole('textbox', { name: 'Rules as JSON' }).fill('[]')
    await wrong.page.getByRole('button', { name: 'Preview' }).click()
    await wrong.page.getByRole('button', { name: 'End the policy' }).waitFor()
    await world.confirm(applyPolicy.path, { rules, revision: 2 })
    await wrong.page.getByRole('button', { name: 'End the policy' }).click()
    await wrong.page.getByRole('button', { name: 'Load it again' }).waitFor()
    expect((await applied()).rules).toHaveLength(1)
    await wrong.close()
  })

  it('what was previewed is not applied over a policy that somebody else has applied since', async () => {
    await visited.go('/policy')
    await page.getByRole('button', { name: 'Edit the rules…' }).click()
    await page.getByRole('textbox', { name: 'Rules as JSON' }).fill(JSON.stringify([{ ...rules[0], max: 9 }]))
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByRole('button', { name: 'Apply 1 rule' }).waitFor()
    const { revision } = await applied()
    await world.confirm(applyPolicy.path, { rules: [{ ...rules[0], max: 3 }], revision })
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('at most 3 a run').waitFor()
    expect(await page.getByRole('button', { name: 'Apply 1 rule' }).count()).toBe(0)
    await page.getByText('Somebody has applied another policy since').waitFor()
    expect(visited.faults).toEqual([])
  })

  it.each(looks)('axe finds nothing at %i px, %s', async (width, colorScheme) => {
    const other = await visit(opened.browser, world, { secret: world.key, width, colorScheme })
    await other.go('/policy')
    await other.page.getByRole('button', { name: 'Edit the rules…' }).click()
    expect([await violations(other.page), await sideways(other.page), other.faults]).toEqual([[], 0, []])
    await other.close()
  })
})
