import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { type AgentClient, agentsOn, overHttp } from '../../support/access/agent-client.ts'
import { makeAgent } from '../../support/access/agents.ts'
import { makePeople, type People } from '../../support/changes/plans.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Of the incident of `jobs-server demo`. */
const withoutServer = 120

const Overview = z.object({ attention: z.array(z.looseObject({ kind: z.string(), queue: z.string() })) })
const Explained = z.object({ reasons: z.array(z.looseObject({ code: z.string() })) })
const Clusters = z.object({
  clusters: z.array(
    z.looseObject({ cluster: z.string(), count: z.number(), pattern: z.object({ untrusted_text: z.string() }) }),
  ),
})
const History = z.object({ marks: z.array(z.looseObject({ text: z.object({ untrusted_text: z.string() }) })) })
const Preview = z.object({ digest: z.string(), preview: z.object({ count: z.number() }) })
const Proposed = z.object({ plan: z.object({ id: z.number(), state: z.string() }), page: z.string() })
const Done = z.object({ operation_id: z.number() })

let world: World
let people: People
let agent: AgentClient
beforeAll(async () => {
  const database = await emptyDatabase()
  expect(await runServer(['demo'], database.env)).toMatchObject({ code: 0 })
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, Promise.resolve(database))
  people = await makePeople(world.sql)
  await agentsOn(world)
  agent = await overHttp(world, secretOf(await makeAgent(world.sql, 'ann')))
})
afterAll(async () => {
  await agent?.close()
  await world?.stop()
})

const secretOf = (as: Record<string, string>) => (as.authorization ?? '').slice('Bearer '.length)
/** Somebody at a terminal. @returns what was printed */
async function at(who: keyof People, ...argv: string[]): Promise<string> {
  const env = { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: secretOf(people[who]) }
  const { code, out, err } = await world.jobsctl(argv, { env })
  expect({ argv, code, err: code === 0 ? '' : err }).toEqual({ argv, code: 0, err: '' })
  return out
}
/** All that a change could have changed of a job. */
const jobs = async () => [
  ...(await world.sql`
    select id, status, priority, retry_count, error_code, available_at, completed_at from jobs order by id`),
]

it('an agent goes by tools alone from the first look at the incident to a plan, which people approve, apply and undo', async () => {
  const before = await jobs()

  // What needs somebody, and why the queue stands still.
  const { attention } = Overview.parse(await agent.use('overview'))
  expect(attention.map(({ kind, queue }) => `${queue} ${kind}`)).toContain('mail stopped')
  const { reasons } = Explained.parse(await agent.use('explain_queue', { domain: 'orders', queue: 'mail' }))
  expect(reasons.map(({ code }) => code)).toContain('queue_paused')

  // Which failures there are, and after which deployment they began.
  const { clusters } = Clusters.parse(await agent.use('failure_clusters', { domain: 'orders' }))
  const [most] = clusters
  expect(most).toMatchObject({
    count: withoutServer,
    pattern: { untrusted_text: expect.stringMatching(/ECONNREFUSED/) },
  })
  const { marks } = History.parse(
    await agent.use('history', { domain: 'orders', from: new Date(Date.now() - 3 * 3_600_000).toISOString() }),
  )
  expect(marks.map(({ text }) => text.untrusted_text)).toEqual(['deploy 4710'])

  // What the mend would do, and a plan of exactly that.
  const change = { kind: 'retry', filter: { domain: 'orders', cluster: most?.cluster } }
  const { digest, preview } = Preview.parse(await agent.use('preview_change', change))
  expect(preview.count).toBe(withoutServer)
  const reason = 'the mail server answers again; all of these were refused by it'
  const { plan, page } = Proposed.parse(await agent.use('propose_change', { ...change, digest, reason }))
  expect({ state: plan.state, page }).toEqual({ state: 'waiting', page: `${world.url}/ui/plans/${plan.id}` })
  const id = String(plan.id)
  const stateOfPlan = async () => Object((await agent.use('plan_status', { id })).plan).state

  // A person reads who asks, why, and what was looked at before; another principal approves.
  const read = await at('ben', 'plans', 'show', id)
  for (const part of [reason, '"of":"ann"', 'explain_queue', 'failure_clusters', 'preview_change'])
    expect(read).toContain(part)
  expect(await jobs()).toEqual(before)
  await at('ben', 'approve', id, '--yes')
  expect(await stateOfPlan()).toBe('approved')
  await at('annAgain', 'apply', id, '--yes')
  const { operation_id } = Done.parse((await agent.use('plan_status', { id })).plan)
  const operation = String(operation_id)
  expect(
    (await jobs()).filter(({ status }, at) => status === 'queued' && before[at]?.status === 'failed'),
  ).toHaveLength(withoutServer)

  // The agent sees the end, and nobody has to tell it.
  expect(await stateOfPlan()).toBe('applied')
  expect(JSON.stringify(await agent.use('operations'))).toContain(`"id":${operation}`)
  expect(JSON.parse(await at('boss', 'operations', operation, '--json'))).toMatchObject({
    affected: withoutServer,
    filters: { proposal: { plan: plan.id } },
  })
  await at('annAgain', 'undo', operation, '--yes')
  expect(await jobs()).toEqual(before)
  expect(JSON.parse(await at('boss', 'agents', '--json'))).toMatchObject({
    agents: [{ plans: { proposed: 1, rejected: 0, applied: 1, undone: 1 } }],
  })
  await at('boss', 'operations', 'verify')
})
