import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WholePlan } from '../../shared/plans/plans.ts'
import { clearAll } from '../support/changes/bulk-tools.ts'
import { makePeople, type People, planOf, planPath } from '../support/changes/plans.ts'
import { startServer } from '../support/programs/built.ts'
import { openWorld, paths, type World } from '../support/world.ts'

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const people = ['ann', 'annAgain', 'ben', 'zoe', 'boss'] as const
type Person = (typeof people)[number]
const principalOf = (person: Person): string => (person === 'annAgain' ? 'ann' : person)
const mayApprove = (person: Person): boolean => ['annAgain', 'ben', 'boss'].includes(person)

/** A step of the life of the plans; `at` chooses one of them, `server` one of two servers. */
interface Step {
  act: 'propose' | 'approve' | 'reject' | 'apply' | 'applyTwice' | 'expire' | 'prune'
  by: Person
  at: number
  server: number
}

/** A plan as the model has it. */
interface Known {
  plan: WholePlan
  domain: string
  author: Person
  approver?: Person
  state: 'waiting' | 'approved' | 'rejected' | 'applied' | 'expired'
}

const above = 2
const jobsOfDomain = 3

let world: World
let second: Awaited<ReturnType<typeof startServer>>
let tokens: People
beforeAll(async () => {
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  second = await startServer(world.env, () => {})
  await second.prepared
  tokens = await makePeople(world.sql)
  await world.post('/api/v1/jobs/approval', { above }, tokens.boss)
})
afterAll(async () => {
  await second?.stop()
  await world?.stop()
})

const send = async ({ by, server }: Pick<Step, 'by' | 'server'>, path: string, body: object) => {
  const response = await fetch(`${server === 0 ? world.url : second.url}${path}`, {
    method: 'POST',
    headers: {
      ...{ authorization: tokens[by].authorization ?? '', 'content-type': 'application/json' },
      ...{ 'x-confirm': 'true', 'x-reason': 'a step' },
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as unknown }
}

const jobsIn = async (domain: string): Promise<number> =>
  (await world.sql`select from jobs where domain = ${domain}`).length

/** Runs one step on the servers and on the model, and compares what both say. */
async function take(step: Step, known: Known[]): Promise<void> {
  const one = known[step.at % Math.max(1, known.length)]
  if (step.act === 'propose') {
    const domain = `d${known.length}`
    await world.jobs(jobsOfDomain, { ...old, domain })
    const plan = planOf(await send(step, planPath, { path: paths.prune, request: { domain } }))
    known.push({ plan, domain, author: step.by, state: 'waiting' })
    return
  }
  if (!one) return
  const { plan, domain } = one
  if (step.act === 'expire') {
    await world.sql`update jobsctl_plans set expires_at = now() - interval '1 second' where id = ${plan.id}`
    if (one.state === 'waiting' || one.state === 'approved') one.state = 'expired'
    return
  }
  if (step.act === 'prune') {
    // Above the number nothing but an approved plan deletes the jobs.
    const left = await jobsIn(domain)
    const { status } = await send(step, paths.prune, { domain })
    expect(status).toBe(left > above ? 403 : 200)
    return
  }
  if (step.act === 'approve' || step.act === 'reject') {
    const { status } = await send(step, `${planPath}/${plan.id}/${step.act}`, { digest: plan.digest })
    const isOwn = principalOf(step.by) === principalOf(one.author)
    const isDecidable = one.state === 'waiting' || (step.act === 'reject' && one.state === 'approved')
    // An author may reject the own plan without the right to approve, and approve it with no right at all.
    const allowed =
      isDecidable && (step.act === 'approve' ? mayApprove(step.by) && !isOwn : mayApprove(step.by) || isOwn)
    expect([step, status === 200]).toEqual([step, allowed])
    if (allowed) Object.assign(one, { state: step.act === 'approve' ? 'approved' : 'rejected', approver: step.by })
    return
  }
  const principals = [one.author, ...(one.approver ? [one.approver] : [])].map(principalOf)
  const allowed = one.state === 'approved' && principals.includes(principalOf(step.by))
  const calls = step.act === 'applyTwice' ? [step, { ...step, server: 1 - step.server }] : [step]
  const answers = await Promise.all(calls.map((call) => send(call, `${planPath}/${plan.id}/apply`, {})))
  expect([step, answers.filter(({ status }) => status === 200).length]).toEqual([step, allowed ? 1 : 0])
  if (allowed) one.state = 'applied'
}

const step = fc.record<Step>({
  act: fc.constantFrom('propose', 'approve', 'approve', 'reject', 'apply', 'apply', 'applyTwice', 'expire', 'prune'),
  by: fc.constantFrom(...people),
  at: fc.nat(5),
  server: fc.nat(1),
})

it('a plan is applied at most once, after another principal has approved it, and by nobody else', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), async (steps) => {
      await clearAll(world)
      await world.sql`delete from jobsctl_plans`
      const known: Known[] = []
      await take({ act: 'propose', by: 'ann', at: 0, server: 0 }, known)
      for (const one of steps) await take(one, known)
      for (const { plan, domain, state } of known) {
        const { body } = await world.call('GET', `${planPath}/${plan.id}`, undefined, tokens.ann)
        expect([plan.id, body]).toEqual([plan.id, expect.objectContaining({ state })])
        expect([state, await jobsIn(domain)]).toEqual([state, state === 'applied' ? 0 : jobsOfDomain])
        const used = await world.sql`
          select from job_operations where filters -> 'approval' ->> 'plan' = ${String(plan.id)}`
        expect(used).toHaveLength(state === 'applied' ? 1 : 0)
      }
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 25) },
  )
})
