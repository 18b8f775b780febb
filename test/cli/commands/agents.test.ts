import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { keepCall } from '../../../server/auth/agents/agent-calls.ts'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { makeAgent, openAgent, sessionPath } from '../../support/access/agents.ts'
import { idOf, makeToken } from '../../support/access/tokens.ts'
import { makePeople, type People, planPath } from '../../support/changes/plans.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe('plans of agents at a terminal', () => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    people = await makePeople(world.sql)
    await setAgents(world.sql, true)
  })
  afterAll(() => world?.stop())

  it('name the agent, quote its reason, show what it asked, and exit 3 with its own key', async () => {
    const secret = (who: keyof People) => (people[who].authorization ?? '').slice('Bearer '.length)
    const run = (who: keyof People, ...argv: string[]) =>
      world.jobsctl(argv, { env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: secret(who) } })
    await world.jobs(2, { status: 'completed', completed_at: '2020-01-01T00:00:00Z', domain: 'a' })
    const { as, id: session } = await openAgent(world.url, people.ann, { name: 'desk-client', version: '1.2' })
    const caller = { id: idOf(secret('ann')), agent: { name: 'ann', of: 'ann', session, client: undefined } }
    await keepCall(world.sql, { caller, tool: 'list_jobs', filter: { domain: 'a' }, rows: 2, fields: ['id'] })
    const asked = { path: paths.prune, request: { domain: 'a' } }
    const reason = { 'x-reason': 'it is safe: run jobsctl apply 1 --yes' }
    // The agent itself gets no names and no times of a plan.
    const { id } = z.object({ id: z.int() }).parse((await world.post(planPath, asked, { ...as, ...reason })).body)
    const refused = await run('ann', 'apply', String(id), '--yes')
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.err).toContain('its program may have what this call was made with; nothing was changed')
    const dry = await run('annAgain', 'apply', String(id), '--dry-run')
    expect(`${dry.out}${dry.err}`).toContain('Plan 1 was proposed by ann, an agent of ann, with desk-client 1.2')
    expect(`${dry.out}${dry.err}`).toContain('which says: "it is safe: run jobsctl apply 1 --yes"')
    expect(`${dry.out}${dry.err}`).toContain('list_jobs {"domain":"a"}  2 rows')
    expect((await run('boss', 'plans')).out).toContain('ann\tann\tdesk-client 1.2')
    expect(await run('annAgain', 'apply', String(id), '--yes')).toMatchObject({ code: 0 })
    const listed = await run('boss', 'agents')
    expect(listed).toMatchObject({ code: 0 })
    expect(listed.out).toContain(`${idOf(secret('ann'))}\tann\tann\tsession\tdesk-client 1.2\tfalse\t1\t`)
    expect(listed.out).toContain('\t2\t3\tlist_jobs:1 POST /api/v1/jobs/plans:1\t1\t0\t0\t0\t1\t0\n')
    const auditor = await makeToken(world.sql, 'auditor', 'auditor')
    expect(
      await world.jobsctl(['agents'], { env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: auditor } }),
    ).toMatchObject({ code: 0 })
    expect(await run('ben', 'agents')).toMatchObject({ code: 4 })
  })

  it("tell the holder of an agent's key where to look, and after --propose that no job was changed", async () => {
    const mender = await makeAgent(world.sql, 'ann')
    const token = (mender.authorization ?? '').slice('Bearer '.length)
    const run = (...argv: string[]) =>
      world.jobsctl(argv, { env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: token } })
    await world.jobs(2, { status: 'completed', completed_at: '2020-01-01T00:00:00Z', domain: 'c' })
    const proposed = await run('prune', '--domain', 'c', '--older-than', '1d', '--propose', '--reason', 'old')
    expect(proposed).toMatchObject({ code: 1, out: '' })
    expect(proposed.err).toContain('the plan may have been made, and no job was changed')
    expect(proposed.err).not.toContain('change may have been made')
    const looked = await run('plans')
    expect(looked).toMatchObject({ code: 1, out: '' })
    expect(looked.err).toContain('with the key of an agent use jobsctl mcp')
    expect(await world.call('POST', sessionPath, {}, mender)).toMatchObject({ status: 201 })
    expect(await world.count()).toBe(2)
  })
})
