import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { addJobs, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const Explained = z.looseObject({ reasons: z.array(z.looseObject({ code: z.string(), sentence: z.string() })) })
const running = { locked_at: 'now()', locked_by: `'pool'`, attempts: '1', priority: '5' }
const waiting = { run_at: `now() - interval '1 minute'`, updated_at: `now() - interval '1 minute'` }

let database: TestDatabase
let sql: postgres.Sql
beforeAll(async () => {
  database = await emptyDatabase()
  sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await makeGraphileWorker({ sql })
})
afterAll(async () => {
  await sql.end()
  await database.drop()
})

/** What a server of a role answers to commands of jobsctl. */
async function served(
  role: string | undefined,
  run: (jobsctl: (...argv: string[]) => ReturnType<typeof runJobsctl>) => Promise<void>,
) {
  const url = new URL(database.env.JOBS_DB_URL ?? '')
  if (role !== undefined) url.username = role
  const server = await startServer({ ...database.env, JOBS_DB_URL: url.href, SINGLE_USER_API_KEY: 'key' })
  await server.prepared
  await run((...argv) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } }))
  await server.stop()
}

/** Runs with a role that may log in, and nothing else. */
async function withRole(run: (role: string) => Promise<void>) {
  const role = `reader_${Math.random().toString(36).slice(2)}`
  await sql.unsafe(`create role ${role} login; grant usage on schema graphile_worker to ${role}`)
  try {
    await run(role)
  } finally {
    await sql.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
  }
}

it('of graphile-worker that was passed over says by how many at least, and which flags workers may forbid', async () => {
  await addJobs({ sql }, { task: 'mail', columns: waiting })
  await addJobs({ sql }, { task: 'mail', columns: { ...waiting, flags: `'{"slow": true, "eu": true}'` } })
  await addJobs({ sql }, { task: 'sync', count: 1005, columns: running })
  await served(undefined, async (jobsctl) => {
    const sentenceOf = async (id: string) => {
      const { reasons } = Explained.parse(JSON.parse((await jobsctl('explain', id, '--json')).out))
      return reasons.find(({ code }) => code === 'passed_over')?.sentence
    }
    const begun =
      'workers have begun at least 1,000 jobs behind it since it fell due: those that run now may not have the task mail'
    expect(await sentenceOf('1')).toBe(begun)
    expect(await sentenceOf('2')).toBe(`${begun}, or forbid a flag of it, such as eu, slow`)
    await sql`delete from graphile_worker._private_jobs where id > 2`
    await addJobs({ sql }, { task: 'mail', count: 3, columns: running })
    expect(await sentenceOf('1')).toBeUndefined()
    expect(await sentenceOf('2')).toContain('begun 3 jobs behind it')
  })
})

describe('a role without all rights over graphile-worker', () => {
  it('is led to the rights that the engine needs, and to no GRANT of more', async () => {
    await withRole(async (role) => {
      const tables = ['_private_jobs', '_private_job_queues', 'migrations'].map((name) => `graphile_worker.${name}`)
      await sql.unsafe(`alter role ${role} bypassrls; grant select on ${tables.join()} to ${role}`)
      await served(role, async (jobsctl) => {
        const { code, err } = await jobsctl('stats')
        expect({ code, err }).toMatchObject({
          code: 4,
          err: expect.stringContaining('permission denied for table _private_tasks'),
        })
        expect(err).not.toMatch(/grant (select|insert)/)
        expect(err).toContain('its owner gives the rights that jobsctl doctor names')
        expect((await jobsctl('doctor')).out).toContain(
          `grant select on table graphile_worker._private_tasks to ${role};`,
        )
      })
    })
  })

  it('from which the names of queues are hidden starts no server', async () => {
    await withRole(async (role) => {
      const [{ owner }] = await sql<[{ owner: string }]>`select current_user::text as owner`
      await sql.unsafe(`
        grant select on all tables in schema graphile_worker to ${role};
        alter table graphile_worker._private_jobs owner to ${role}; alter table graphile_worker._private_tasks owner to ${role}`)
      const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: role }).href
      const { code, err } = await runServer([], { ...database.env, JOBS_DB_URL: url, PORT: '0' })
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('row-level security hides') })
      expect(err).toContain(`grant ${owner} to ${role}`)
    })
  })
})
