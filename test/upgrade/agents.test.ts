import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { bodyOf, codeOf, paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { clear, countJobs, insertJobs } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

const plans = '/api/v1/jobs/plans'
const Plan = z.object({ id: z.number(), digest: z.string(), state: z.string() })
const as = (token: string) => ({ 'x-api-key': '', authorization: `Bearer ${token}` })

/** Version 0.1.0 has no plans; its tokens have no roles. */
besideEach(
  (old) => `agents beside a server of version ${old}`,
  (old) => {
    let pair: Pair
    let ann: Record<string, string>
    let ben: Record<string, string>
    let mender: Record<string, string>
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' }, { AUTH_MODE: 'multi_user' })
      const make = async (...argv: string[]) => {
        const { code, out, err } = await pair.command('new', ['token', 'create', ...argv])
        expect({ code, err }).toEqual({ code: 0, err: '' })
        return as(out.trim())
      }
      ann = await make('ann', '--role', 'operator')
      ben = await make('ben', '--role', 'operator', '--approver')
      mender = await make('mender', '--role', 'agent', '--of', 'ann')
      expect(await pair.command('new', ['agents', 'on'])).toMatchObject({ code: 0 })
    })
    afterAll(() => pair?.close())
    beforeEach(async () => {
      await pair.sql`delete from jobsctl_plans`
      await clear(pair.sql)
    })

    const propose = async () => {
      const planned = { path: paths.prune, request: { domain: 'chatbooks' } }
      const made = await pair.other.post(plans, planned, { ...mender, 'x-reason': 'why' })
      expect(made.status).toBe(201)
      const { id } = Object(made.body)
      return bodyOf(Plan, await pair.other.get(`${plans}/${id}`, ann))
    }

    it('have no right there, by their token and by a session, and the switch changes nothing there', async () => {
      const opened = await pair.other.post('/api/v1/agent-session', {}, ann)
      const session = as(bodyOf(z.object({ token: z.string() }), opened).token)
      for (const agent of [mender, session]) {
        expect((await pair.other.get(paths.stats, agent)).status).toBe(200)
        for (const path of [paths.stats, paths.operations, plans])
          expect((await pair.one.get(path, agent)).status, path).toBeGreaterThanOrEqual(401)
        expect((await pair.one.change(paths.prune, { domain: 'chatbooks' }, agent)).status).toBeGreaterThanOrEqual(401)
      }
      expect((await pair.one.post('/mcp', {}, mender)).status).toBe(404)
      expect((await pair.one.get(paths.stats, ann)).status).toBe(200)
    })

    it('propose plans that it lists as waiting, and that a person decides there, too', async () => {
      await insertJobs(pair.sql, { n: 3 })
      const plan = await propose()
      expect(await pair.one.get(`${plans}/${plan.id}`, ben)).toMatchObject({
        status: 200,
        body: { state: 'waiting', digest: plan.digest, count: 3 },
      })
      const { digest } = plan
      expect((await pair.one.change(`${plans}/${plan.id}/approve`, { digest }, ben)).status).toBe(200)
      // The author is the agent: 0.2.0 lets nobody else apply.
      expect(codeOf(await pair.one.change(`${plans}/${plan.id}/apply`, { digest }, ann))).toBe('403 forbidden')
      expect(codeOf(await pair.one.change(`${plans}/${plan.id}/apply`, { digest }, mender))).toMatch(/^40[13] /)
      expect(await countJobs(pair.sql)).toBe(3)
      const applied = await pair.other.change(`${plans}/${plan.id}/apply`, { digest }, ann)
      expect(resultOf(applied).affected).toBe(3)
      const { operation } = resultOf(applied)
      for (const side of pair.both) {
        expect((await side.get(paths.operation(operation), ben)).body, side.build).toMatchObject({
          kind: 'prune',
          affected: 3,
        })
        expect((await side.get(paths.verify, ben)).body, side.build).toMatchObject({ ok: true })
      }
      expect(resultOf(await pair.one.change(paths.undo(operation), {}, ann)).affected).toBe(3)
      expect(await countJobs(pair.sql)).toBe(3)
    })
  },
  ['0.2.0'],
)
