import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const Explained = z.object({ reasons: z.array(z.looseObject({ code: z.string(), facts: z.looseObject({}) })) })
const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

/** A job of the queue `seen` that waits for four jobs: one of its queue, one that is gone from it, and a failed and a waiting one of the queue `hidden`. */
const engines = {
  bullmq: {
    async make(sql: postgres.Sql) {
      await makeBullMq({ sql, version: 11 })
      await sql`
        insert into bullmq.job (queue, id, seq, name, state, pending_deps, added_at_ms, parent_queue, parent_id) values
          ('seen', 'waits', 1, 'x', 'waiting-children', 4, 1, null, null), ('seen', 'near', 2, 'x', 'waiting', 0, 1, 'seen', 'waits'),
          ('hidden', 'failed', 3, 'secret', 'failed', 0, 1, 'seen', 'waits'), ('hidden', 'far', 4, 'secret', 'waiting', 0, 1, 'seen', 'waits')`
      await sql`
        insert into bullmq.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key, status)
        select 'seen', 'waits', queue, id, queue || ':' || id, 'pending'
        from (values ('seen', 'near'), ('seen', 'gone'), ('hidden', 'failed'), ('hidden', 'far'), ('hidden', 'gone')) as child (queue, id)`
    },
    domain: 'bullmq',
    waits: 'seen/waits',
    near: ['seen/near'],
    gone: ['seen/gone'],
    hidden: ['hidden/', 'secret'],
  },
  'pg-boss': {
    async make(sql: postgres.Sql) {
      await makePgBoss({ sql, version: 46 })
      for (const queue of ['seen', 'hidden']) await makeQueue({ sql, version: 46 }, queue)
      await sql`
        insert into pgboss.job (id, name, state, blocked, pending_dependencies, blocking) values
          (${uuid(1)}, 'seen', 'created', true, 5, false), (${uuid(2)}, 'seen', 'created', false, 0, true),
          (${uuid(3)}, 'hidden', 'failed', false, 0, true), (${uuid(4)}, 'hidden', 'created', false, 0, true)`
      await sql`
        insert into pgboss.job_dependency (child_name, child_id, parent_name, parent_id)
        select 'seen', ${uuid(1)}::uuid, name, id
        from (values ('seen', ${uuid(2)}::uuid), ('seen', ${uuid(5)}::uuid), ('hidden', ${uuid(3)}::uuid), ('hidden', ${uuid(4)}::uuid), ('hidden', ${uuid(6)}::uuid))
          as parent (name, id)`
    },
    domain: 'pgboss',
    waits: `seen/${uuid(1)}`,
    near: [`seen/${uuid(2)}`],
    gone: [uuid(5)],
    hidden: ['hidden', uuid(3), uuid(4), uuid(6)],
  },
} as const

describe.each(['bullmq', 'pg-boss'] as const)('a job of %s that waits for jobs outside of a scope', (engine) => {
  const { make, domain, waits, near, gone, hidden } = engines[engine]
  let served: ServedTables
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    served = await serveTables(make, { records: engine, env: { AUTH_MODE: 'multi_user' } })
    for (const [name, ...scope] of [['all'], ['narrow', '--queue', `${domain}/seen`]]) {
      const flags = ['token', 'create', name ?? '', '--role', scope.length === 0 ? 'admin' : 'operator', ...scope]
      const { code, out, err } = await runServer(flags, served.env)
      expect({ code, err }).toMatchObject({ code: 0 })
      tokens.set(name ?? '', out.trim().split(/\s+/).at(-1) ?? '')
    }
  })
  afterAll(() => served?.close())
  const jobsctl = (token: string, ...argv: string[]) =>
    runJobsctl(argv, { env: { JOBSCTL_URL: served.url, JOBSCTL_TOKEN: tokens.get(token) ?? '' } })
  const factsFor = async (token: string) => {
    const { out } = await jobsctl(token, 'explain', waits, '--json')
    return Object.fromEntries(Explained.parse(JSON.parse(out)).reasons.map(({ code, facts }) => [code, facts]))
  }

  it('is explained by the jobs of the scope alone', async () => {
    const facts = await factsFor('narrow')
    const jobs = (ids: readonly string[], field: string) => ({
      count: ids.length,
      jobs: ids.map((id) => expect.objectContaining({ [field]: id })),
    })
    expect(facts).toMatchObject({ waits_for_jobs: jobs(near, 'id'), dependency_gone: jobs(gone, 'uuid') })
    expect(facts.dependency_ended).toBeUndefined()
    expect(await factsFor('all')).toMatchObject({
      waits_for_jobs: { count: 2 },
      dependency_gone: { count: 2 },
      dependency_ended: { count: 1 },
    })
  })

  it.each([
    ['show', waits],
    ['show', waits, '--output', 'table'],
    ['explain', waits, '--output', 'table'],
    ['explain', `${domain}/seen`],
    ['cancel', waits, '--dry-run'],
    ['integrity'],
    ['list', '--json'],
    ['doctor'],
  ])('names no other queue and none of its jobs to %s %s', async (...argv) => {
    const { out, err } = await jobsctl('narrow', ...argv)
    for (const name of hidden) expect([name, `${out}${err}`.includes(name)]).toEqual([name, false])
    expect(out + err).not.toBe('')
  })
})
