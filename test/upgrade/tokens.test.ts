import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { codeOf, paths, previewOf, resultOf } from './support/answers.ts'
import { type Build, inBothOrders } from './support/old-build.ts'
import { clear, countJobs, insertJobs } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'

/** `jobs_<id>_<secret>` */
const idOf = (token: string) => token.split('_')[1] ?? ''

inBothOrders(
  ({ one }) => `a token that jobs-server of the ${one} build made`,
  ({ old, one, other }) => {
    let pair: Pair
    let token = ''
    let bearer = { authorization: '' }
    beforeAll(async () => {
      pair = await openPair({ one, other }, { AUTH_MODE: 'multi_user' })
      const made = await pair.command(one, ['token', 'create', 'ann'])
      expect(made.code).toBe(0)
      token = made.out.trim()
      bearer = { authorization: `Bearer ${token}` }
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    const sideOf = (build: Build): Side => (pair.one.build === build ? pair.one : pair.other)

    it('is known to both servers, and is listed by both builds', async () => {
      for (const side of pair.both) {
        expect(await side.get(paths.stats, bearer), side.build).toMatchObject({ status: 200 })
        const { code, out } = await pair.command(side.build, ['token', 'list'])
        expect(code).toBe(0)
        expect(out.split('\t').slice(0, 2)).toEqual([idOf(token), 'ann'])
        const run = await pair.jobsctl(side.build, side, ['stats'], { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: token })
        expect(run).toMatchObject({ code: 0, err: '' })
      }
    })

    // Version 0.1.0 names the caller of a token by its name, later ones by its id, and they look up both.
    it('keeps its previews and its repeated keys when a new server takes the place of an old one', async () => {
      const { sql } = pair
      const [before, after] = [sideOf(old), sideOf('new')]
      await insertJobs(sql, { n: 3 })
      const preview_token = previewOf(await before.post(paths.prune, { dry_run: true }, bearer)).token
      const first = { ...bearer, 'idempotency-key': 'by old' }
      const pruned = await before.change(paths.prune, { preview_token }, first)
      expect(resultOf(pruned).affected).toBe(3)
      expect((await after.change(paths.prune, { preview_token }, first)).body).toEqual(pruned.body)

      expect(resultOf(await after.change(paths.undo(resultOf(pruned).operation), {}, bearer)).affected).toBe(3)
      await sql`delete from jobsctl_holds`
      const unused = previewOf(await before.post(paths.prune, { dry_run: true }, bearer)).token
      const again = await after.change(
        paths.prune,
        { preview_token: unused },
        { ...bearer, 'idempotency-key': 'by new' },
      )
      expect(resultOf(again).affected).toBe(3)
      const callers = (await sql<{ caller: string }[]>`select caller from job_operations order by id`).map(
        ({ caller }) => caller,
      )
      expect(callers).toEqual([old === '0.1.0' ? 'ann' : idOf(token), idOf(token), idOf(token)])
    })

    it.runIf(old === '0.1.0')(
      'loses its previews at a step back to an old server, and nothing is changed twice by them',
      async () => {
        const { sql } = pair
        const [before, after] = [sideOf('new'), sideOf(old)]
        await insertJobs(sql, { n: 3 })
        const preview_token = previewOf(await before.post(paths.prune, { dry_run: true }, bearer)).token
        const key = { ...bearer, 'idempotency-key': 'k' }
        expect(codeOf(await after.change(paths.prune, { preview_token }, key))).toBe('409 preview_stale')
        expect(resultOf(await before.change(paths.prune, { preview_token }, key)).affected).toBe(3)
        await insertJobs(sql, { n: 3 })
        expect(codeOf(await after.change(paths.prune, { preview_token }, key))).toBe('409 preview_stale')
        expect(await countJobs(sql)).toBe(3)
      },
    )

    it('is no key of another caller', async () => {
      const { sql, one, other } = pair
      const made = await pair.command(one.build, ['token', 'create', 'bob'])
      const bob = { authorization: `Bearer ${made.out.trim()}` }
      await insertJobs(sql, { n: 3 })
      const preview_token = previewOf(await one.post(paths.prune, { dry_run: true }, bearer)).token
      expect(codeOf(await other.change(paths.prune, { preview_token }, bob))).toMatch(/^(409|422) /)
      const key = { 'idempotency-key': 'k' }
      expect(resultOf(await one.change(paths.prune, {}, { ...bearer, ...key })).affected).toBe(3)
      expect(resultOf(await other.change(paths.prune, {}, { ...bob, ...key })).affected).toBe(0)
    })

    it.runIf(old === '0.1.0')(
      'is refused by the old server once it has a role or was suspended, and works on the new one as far as its role goes',
      async () => {
        const [before, after] = [sideOf(old), sideOf('new')]
        const make = async (...flags: string[]) =>
          (await pair.command('new', ['token', 'create', 'carl', ...flags])).out.trim()
        const [viewer, given, suspended] = [await make('--role', 'viewer'), await make(), await make()]
        const as = (token: string) => ({ authorization: `Bearer ${token}` })
        expect((await before.get(paths.stats, as(given))).status).toBe(200)
        await pair.command('new', ['token', 'set-role', idOf(given), 'auditor'])
        await pair.command('new', ['token', 'suspend', idOf(suspended)])
        for (const token of [viewer, given, suspended]) {
          expect(codeOf(await before.get(paths.stats, as(token)))).toBe('401 unauthenticated')
          expect(codeOf(await before.change(paths.prune, {}, as(token)))).toBe('401 unauthenticated')
        }
        expect((await after.get(paths.stats, as(viewer))).status).toBe(200)
        expect(codeOf(await after.change(paths.prune, {}, as(viewer)))).toBe('403 forbidden')
        expect((await after.get(paths.operations, as(given))).status).toBe(200)
        expect(await pair.command(old, ['token', 'revoke', idOf(viewer)])).toMatchObject({ code: 0 })
        expect(codeOf(await after.get(paths.stats, as(viewer)))).toBe('401 unauthenticated')
      },
    )

    it.runIf(old !== '0.1.0')('keeps its previews at a step back to an old server, which takes each once', async () => {
      const [before, after] = [sideOf('new'), sideOf(old)]
      await insertJobs(pair.sql, { n: 3 })
      const preview_token = previewOf(await before.post(paths.prune, { dry_run: true }, bearer)).token
      await insertJobs(pair.sql, { n: 2 })
      expect(resultOf(await after.change(paths.prune, { preview_token }, bearer)).affected).toBe(3)
      expect(codeOf(await before.change(paths.prune, { preview_token }, bearer))).toBe('409 preview_stale')
      expect(await countJobs(pair.sql)).toBe(2)
    })

    it.runIf(old !== '0.1.0')('has the role and the state on both servers that either build gives it', async () => {
      for (const build of [old, 'new'] as const) {
        const made = await pair.command(build, ['token', 'create', 'carl', '--role', 'viewer'])
        const carl = made.out.trim()
        const as = { authorization: `Bearer ${carl}` }
        for (const side of pair.both) {
          expect((await side.get(paths.stats, as)).status, side.build).toBe(200)
          expect(codeOf(await side.change(paths.prune, {}, as)), side.build).toBe('403 forbidden')
        }
        expect((await pair.command(build, ['token', 'suspend', idOf(carl)])).code).toBe(0)
        for (const side of pair.both) expect((await side.get(paths.stats, as)).status, side.build).toBe(401)
      }
    })

    it(`ends on both servers when jobs-server of the ${other} build revokes it`, async () => {
      expect(await pair.command(other, ['token', 'revoke', idOf(token)])).toMatchObject({ code: 0 })
      for (const side of pair.both) expect(codeOf(await side.get(paths.stats, bearer))).toBe('401 unauthenticated')
    })
  },
)
