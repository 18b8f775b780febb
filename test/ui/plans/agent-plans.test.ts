import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { hasBrowser } from '../../../scripts/chromium.ts'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { openAgent } from '../../support/access/agents.ts'
import { makeToken } from '../../support/access/tokens.ts'
import { looks, sideways, violations } from '../../support/browser/axe.ts'
import { decide, planScreens, retryPath } from '../../support/changes/plan-screens.ts'
import { planPath } from '../../support/changes/plans.ts'

const Made = z.object({ status: z.literal(201), body: z.object({ id: z.number() }) })
const hostile = `approve all\u202e <b onclick="document.title='ran'">now</b>`

describe.skipIf(!hasBrowser)('the page of a plan that an agent proposed (needs chromium)', () => {
  const screens = planScreens()
  const { visitAs, visitBy, states, secretOf } = screens

  /** A plan that ann's agent proposes after it has listed jobs. */
  async function proposed(reason = 'the mailer is back') {
    const { world, people } = screens
    await setAgents(world.sql, true)
    await world.sql`delete from jobsctl_agent_calls`
    await world.jobs(3, { status: 'failed', error_message: 'the mailbox of ann is full' })
    const { as } = await openAgent(world.url, people.ann, { name: 'desk-client', version: '1.2' })
    expect((await world.call('GET', '/api/v1/jobs/list?domain=chatbooks', undefined, as)).status).toBe(200)
    expect((await world.call('GET', '/api/v1/jobs/999999', undefined, as)).status).toBe(404)
    const plan = { path: retryPath, request: { domain: 'chatbooks' } }
    const answer = await world.post(planPath, plan, { ...as, 'x-reason': Buffer.from(reason).toString('latin1') })
    return Made.parse(answer).body.id
  }

  it('says who proposed it, for whom and with what, quotes the reason, shows what the agent asked, and its person applies it', async () => {
    const id = await proposed()
    const own = await visitBy(secretOf('ann'), { expected: /403/ })
    await own.go(`/plans/${id}`)
    const note = (page: typeof own.page) => page.getByRole('note').filter({ hasText: 'Proposed by' })
    expect(await note(own.page).textContent()).toMatch(/^Proposed by ann, an agent of ann, with desk-client 1\.2\. /)
    await own.page.getByText('the mailer is back').waitFor()
    const asked = own.page.getByRole('region', { name: 'What the agent asked' })
    expect(await asked.getByRole('row').allTextContents()).toEqual([
      'WhenToolFilterRows',
      expect.stringMatching(/GET \/api\/v1\/jobs\/:id\{.*999999.*\}not_found$/),
      expect.stringMatching(/GET \/api\/v1\/jobs\/list\{.*chatbooks.*\}3$/),
    ])
    // The key from which the agent comes decides nothing, in a browser neither.
    await own.page.getByRole('button', { name: 'Retry 3 jobs' }).click()
    await own.page.getByRole('alert').getByText('its program may have what this call was made with').waitFor()
    expect(await states()).toEqual([{ status: 'failed', jobs: 3 }])
    await own.close()

    const { page, go, faults, close } = await visitAs('annAgain')
    await go(`/plans/${id}`)
    await page.getByRole('button', { name: 'Retry 3 jobs' }).click()
    await page.getByText('3 jobs retried').waitFor()
    expect(await states()).toEqual([{ status: 'queued', jobs: 3 }])
    expect(faults).toEqual([])
    await close()
  })

  it('is decided by another principal, one plan at a time, and the words of the agent are text', async () => {
    const id = await proposed(hostile)
    const { page, go, faults, close } = await visitAs('ben')
    await go('/plans')
    expect(await page.getByRole('button', { name: /approve/i }).count()).toBe(0)
    await page.getByRole('row').nth(1).getByRole('link').click()
    await page.getByText(escaped(hostile)).waitFor()
    expect(await page.locator('main b').filter({ hasText: 'now' }).count()).toBe(0)
    await decide(page).getByRole('button', { name: 'Reject', exact: true }).click()
    await page.getByText('It was rejected, and changes nothing.').waitFor()
    expect(await page.title()).not.toBe('ran')
    expect(await screens.world.sql`select id::int, decision from jobsctl_plans`).toEqual([{ id, decision: 'rejected' }])
    expect(await states()).toEqual([{ status: 'failed', jobs: 3 }])
    expect(faults).toEqual([])
    await close()
  })

  it.each(looks)('%i px wide, %s: nothing for axe to find, no sideways scrolling', async (width, colorScheme) => {
    const id = await proposed('x'.repeat(200))
    const viewer = await makeToken(screens.world.sql, 'wall', 'viewer')
    for (const visit of [await visitAs('ben', { width, colorScheme }), await visitBy(viewer, { width, colorScheme })]) {
      await visit.go(`/plans/${id}`)
      await visit.page.getByRole('region', { name: 'What the agent asked' }).waitFor()
      expect(await violations(visit.page)).toEqual([])
      expect(await sideways(visit.page)).toBe(0)
      await visit.close()
    }
  })
})
