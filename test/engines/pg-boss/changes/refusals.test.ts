import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import * as endpoints from '../../../../shared/endpoints.ts'
import type { World } from '../../../support/world.ts'
import { age, type BossRow, differencesOf, rowsOf, same } from '../../support/rows.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, changeable, readable } from '../../support/versions.ts'
import { type BossDatabase, catalogueBeside, openBossDatabase } from '../../support/world.ts'

const Problem = z.looseObject({ code: z.string(), detail: z.string(), hint: z.string().optional() })

/** What only counts without `fix`, although it is sent as a change. */
const reads = ['/api/v1/jobs/integrity/sweep']

/** Every call that is sent to change something, with the inputs that a script would send: none, a domain, and ids. */
const bodies = [{}, { domain: 'pgboss' }, { domain: 'pgboss', queue: 'mail', ids: [1], reason: 'a test' }]
const all: readonly { method?: string; path: string }[] = Object.values(endpoints)
const changes = all.flatMap(({ method = 'GET', path }) =>
  method === 'GET' || path.startsWith('/api/v1/session') || reads.includes(path) ? [] : [{ method, path }],
)

const isRefusal = (status: number): boolean => [403, 404, 409, 422].includes(status)

besideEach(readable, 'a server that only looks', (version) => {
  let database: BossDatabase
  let world: World
  let before: BossRow[]
  let catalogue: string[]
  beforeAll(async () => {
    database = await openBossDatabase(version)
    await sampleJobs(await database.start({ options: { supervise: false } }))
    // A failed job without a copy among the dead letters, which can be retried.
    await database.sql`insert into pgboss.job (name, state, completed_on) values ('standard', 'failed', now())`
    await age(database.sql, 60)
    ;[before, catalogue] = [await rowsOf(database.sql), await catalogueBeside(database.sql)]
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('refuses every call that changes something, and nothing changes', async () => {
    for (const { method, path } of changes) {
      for (const body of bodies) {
        const url = path.replaceAll(/:\w+/g, '1')
        const answer = await world.call(method, url, body, { 'x-confirm': 'true' })
        const named = { method, path, body, answer: answer.body }
        expect({ ...named, status: answer.status }).toEqual({ ...named, status: expect.toSatisfy(isRefusal) })
        expect(Problem.safeParse(answer.body).success, JSON.stringify(named)).toBe(true)
      }
    }
    expect(differencesOf(before, await rowsOf(database.sql))).toEqual(same)
    expect(await catalogueBeside(database.sql)).toEqual(catalogue)
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it.each([
    ['prune', '--domain', 'pgboss', '--older-than', '1d', '--yes'],
    ['cancel', '--domain', 'pgboss', '--yes'],
    ['redrive', '--all', '--yes'],
    ['retry', '--all', '--yes'],
    ['mark', 'deployed'],
  ])('ends jobsctl %s with a sentence that says what to do', async (...argv) => {
    const { code, out, err } = await world.jobsctl(argv)
    // What pg-boss 10 has is only looked at, whatever tables there are.
    const [exit, hint] = changeable.includes(version)
      ? [3, 'jobs-server migrate --engine pg-boss']
      : [2, 'install a newer pg-boss']
    expect({ argv, code, out }).toEqual({ argv, code: exit, out: '' })
    expect(err).toContain('nothing was changed')
    expect(err).toContain(hint)
  })

  it('says of a verb that pg-boss does not have what to do instead', async () => {
    const { code, err } = await world.jobsctl(['pause', 'pgboss/mail', '--yes'])
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('pg-boss cannot pause a queue') })
    expect(err).toContain('offWork')
  })
})
