import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createToken } from '../../server/auth/tokens.ts'
import { bearer, idOf } from '../support/access/tokens.ts'
import { clearAll } from '../support/changes/bulk-tools.ts'
import { addEdge } from '../support/changes/dependents.ts'
import { kinds } from '../support/database/database.ts'
import { jobRow } from '../support/database/job-row.ts'
import { insertRows } from '../support/database/tables.ts'
import { openWorld, type World } from '../support/world.ts'

const runs = Number(process.env.PROPERTY_RUNS ?? 25)
const size = 9
const Done = z.object({ status: z.string(), dependents: z.number(), operation_id: z.number().optional() })

const node = fc.nat({ max: size - 1 })
const graph = fc.record({
  states: fc.array(fc.constantFrom('queued', 'queued', 'queued', 'processing', 'completed', 'failed'), {
    minLength: size,
    maxLength: size,
  }),
  /** The first waits for the second. Circles are among them, and jobs that wait for themselves. */
  edges: fc.uniqueArray(fc.tuple(node, node), { maxLength: 16, selector: (edge) => edge.join() }),
  target: node,
  force: fc.boolean(),
  role: fc.constantFrom('operator' as const, 'worker' as const, 'admin' as const),
  max: fc.option(fc.integer({ min: 1, max: size })),
  above: fc.option(fc.integer({ min: 0, max: size })),
})
type Graph = typeof graph extends fc.Arbitrary<infer Value> ? Value : never

/** What the cancel must end besides its target: the queued jobs that wait for it, over any number of edges. */
function alongOf({ states, edges, target, force }: Graph): Set<number> {
  const found = new Set<number>()
  if (states[target] !== 'queued' && !(force && states[target] === 'processing')) return found
  for (const next = [target]; ; ) {
    const needed = next.pop()
    if (needed === undefined) return found
    for (const [job, needs] of edges)
      if (needs === needed && job !== target && states[job] === 'queued' && !found.has(job)) {
        found.add(job)
        next.push(job)
      }
  }
}

describe.each(kinds)('a cancel of one job, whatever waits for it, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  let round = 0

  it('ends and records as many as it says, gives back every one, and changes nothing where it is refused', async () => {
    await fc.assert(fc.asyncProperty(graph, check), { numRuns: runs })
  })

  async function check(drawn: Graph): Promise<void> {
    const { states, edges, target, force, role, max, above } = drawn
    round += 1
    await clearAll(world)
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    const ids = await insertRows(
      world.sql,
      states.map((status, n) => ({ ...jobRow({ status }), uuid: `${round}-${n}` })),
    )
    for (const [job, needs] of edges) await addEdge(world.sql, `${round}-${job}`, `${round}-${needs}`)
    const make = async (as: 'operator' | 'worker' | 'admin', principal: string) =>
      (
        await createToken(world.sql, {
          name: principal,
          grant: { role: as, may_enqueue: false, principal, madeBy: 'jobs-server' },
          days: 1,
        })
      ).token
    const boss = bearer(await make('admin', `boss ${round}`))
    const token = await make(role, `crew ${round}`)
    const limit = role === 'worker' ? null : max
    if (limit !== null) await world.sql`update jobsctl_tokens set max_per_change = ${limit} where id = ${idOf(token)}`
    if (above !== null) await world.post('/api/v1/jobs/approval', { above }, boss)

    const before = await world.rows()
    const fingerprint = await world.fingerprint()
    const records = () => world.sql`select from job_operations where kind = 'cancel'`.then(({ count }) => count)
    const answer = await world.post(`/api/v1/jobs/${ids[target]}/cancel`, { force }, bearer(token))
    const along = alongOf(drawn)
    const total = along.size === 0 ? 0 : along.size + 1
    const ended = states[target] === 'completed' || states[target] === 'failed'
    const expected = ended ? 409 : total > (limit ?? size) ? 412 : above !== null && total > above ? 403 : 200
    expect(answer.status).toBe(expected)
    if (expected !== 200) {
      expect(await world.fingerprint()).toBe(fingerprint)
      expect(await records()).toBe(0)
      return
    }
    const { dependents, operation_id } = Done.parse(answer.body)
    expect(dependents).toBe(along.size)
    const changed = (await world.rows()).flatMap(({ status }, n) => (status === 'cancelled' && n !== target ? [n] : []))
    expect(new Set(changed)).toEqual(along)
    expect(await records()).toBe(along.size === 0 ? 0 : 1)
    if (operation_id === undefined) return
    const record = (await world.call('GET', `/api/v1/jobs/operations/${operation_id}`, undefined, boss)).body
    expect(record).toMatchObject({ affected: 1, counts: { dependents: along.size } })
    const undone = await world.confirm(`/api/v1/jobs/operations/${operation_id}/undo`, {}, boss)
    // A running job that was ended has lost its worker.
    const lost = states[target] === 'processing' ? 1 : 0
    expect(undone).toMatchObject({ status: 200, body: { affected: total - lost, conflict_count: lost } })
    const rows = (list: typeof before) =>
      list.map((row) => ({ ...row, updated_at: null })).filter((_, n) => lost === 0 || n !== target)
    expect(rows(await world.rows())).toEqual(rows(before))
    expect((await world.call('GET', '/api/v1/jobs/operations/verify', undefined, boss)).body).toMatchObject({
      ok: true,
    })
  }
})
