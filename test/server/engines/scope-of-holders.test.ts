import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { addJobs, makeGraphileWorker, running } from '../../support/engines/graphile-worker.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const Explained = z.looseObject({
  reasons: z.array(z.looseObject({ code: z.string(), facts: z.looseObject({}), sentence: z.string() })),
})
const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

/** A job of the type `seen` that waits in a queue, while a job of the type `hidden` has the only place of this queue. */
const engines = {
  'graphile-worker': {
    async make(sql: postgres.Sql) {
      await makeGraphileWorker({ sql })
      await addJobs({ sql }, { task: 'seen', queue: 'line', columns: { run_at: `now() - interval '1 minute'` } })
      await addJobs({ sql }, { task: 'hidden', queue: 'line', columns: running(1, 'pool-hidden') })
      await sql`update graphile_worker._private_job_queues set locked_at = now() - interval '1 hour', locked_by = 'pool-hidden'`
      for (const [task, days] of [
        ['seen', 9],
        ['hidden', 1],
      ] as const)
        await addJobs({ sql }, { task, queue: 'later', columns: { run_at: `now() + ${days} * interval '1 day'` } })
    },
    waits: 'line/1',
    queue: 'graphile_worker/line',
    later: 'graphile_worker/later',
    code: 'queue_locked',
    holder: { holder: '2', by: 'pool-hidden' },
    untold: { holder: null, by: null },
    sentence: 'which runs a job outside of your scope',
    hidden: ['pool-hidden', 'runs job'],
  },
  'pg-boss': {
    async make(sql: postgres.Sql) {
      await makePgBoss({ sql, version: 46 })
      for (const queue of ['line', 'later']) {
        await makeQueue({ sql, version: 46 }, queue)
        for (const type of ['seen', 'hidden'])
          await makeQueue({ sql, version: 46 }, `${type} of ${queue}`, { deadLetter: queue })
      }
      await sql`
        insert into pgboss.job (id, name, state, policy, source_name, source_id) values
          (${uuid(1)}, 'line', 'created', 'singleton', 'seen', ${uuid(3)}), (${uuid(2)}, 'line', 'active', 'singleton', 'hidden', ${uuid(4)})`
      await sql`
        insert into pgboss.job (id, name, blocked, source_name, source_id, start_after) values
          (${uuid(5)}, 'line', true, 'hidden', ${uuid(6)}, now()),
          (${uuid(7)}, 'later', false, 'seen', ${uuid(8)}, now() + interval '9 days'), (${uuid(9)}, 'later', false, 'hidden', ${uuid(0)}, now() + interval '1 day')`
    },
    waits: `line/${uuid(1)}`,
    queue: 'pgboss/line',
    later: 'pgboss/later',
    code: 'slot_taken',
    holder: { by: `line/${uuid(2)}` },
    untold: { by: null },
    sentence: 'a job outside of your scope is active',
    hidden: [uuid(2)],
  },
} as const

describe.each(['graphile-worker', 'pg-boss'] as const)('the job of %s that has the place of a queue', (engine) => {
  const { make, waits, queue, later, code, holder, untold, sentence, hidden } = engines[engine]
  let served: ServedTables
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    served = await serveTables(make, { records: engine, env: { AUTH_MODE: 'multi_user' } })
    const queues = ['--queue', queue, '--queue', later]
    const scopes = { all: [], queue: queues, narrow: [...queues, '--job-type', 'seen'] }
    for (const [name, scope] of Object.entries(scopes)) {
      const made = await runServer(['token', 'create', name, '--role', 'operator', ...scope], served.env)
      expect(made).toMatchObject({ code: 0 })
      tokens.set(name, made.out.trim())
    }
  })
  afterAll(() => served?.close())
  const jobsctl = (token: string, ...argv: string[]) =>
    runJobsctl(argv, { env: { JOBSCTL_URL: served.url, JOBSCTL_TOKEN: tokens.get(token) ?? '' } })
  const reasonFor = async (token: string) => {
    const { out } = await jobsctl(token, 'explain', waits, '--json')
    return Explained.parse(JSON.parse(out)).reasons.find((reason) => reason.code === code)
  }

  const explained = async (token: string, name: string) =>
    Explained.parse(JSON.parse((await jobsctl(token, 'explain', name, '--json')).out))

  it.each(['all', 'queue'])('is named by explain to the token %s, whose scope has it', async (token) => {
    expect(await reasonFor(token)).toMatchObject({ facts: holder })
  })

  it('is told without its name to a token of another job type', async () => {
    expect(await reasonFor('narrow')).toMatchObject({ facts: untold, sentence: expect.stringContaining(sentence) })
    for (const argv of [
      ['explain', waits],
      ['explain', queue],
      ['show', waits],
      ['workers'],
      ['integrity'],
      ['doctor'],
    ]) {
      const { out, err } = await jobsctl('narrow', ...argv)
      for (const name of hidden) expect([argv, name, `${out}${err}`.includes(name)]).toEqual([argv, name, false])
    }
  })
  it.each([
    ['queue', 1, 1],
    ['narrow', 0, 9],
  ] as const)('is counted for the token %s where its scope has it, as is the next job', async (token, leased, days) => {
    const line = await explained(token, queue)
    expect(line).toMatchObject({ due: 1, leased })
    expect(line.reasons.map((reason) => reason.code)).not.toContain('all_blocked')
    const { reasons } = await explained(token, later)
    const next = reasons.find((reason) => reason.code === 'nothing_due')?.facts.next_due_at
    expect(next ?? null).toEqual(days === 9 ? null : expect.any(String))
  })
})
