import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../support/engines/mapped.ts'
import { startServer } from '../support/programs/built.ts'
import { runJobsctl } from '../support/programs/jobsctl.ts'
import { runServer } from '../support/programs/spawn-server.ts'

/** State 9 is in no map. The error of a job is in the conditions of its state, and may be long. */
const byConditions = emailMap.replace(
  /^status: .*$/m,
  'status: {processing: {state: 1, locked_at: not null}, failed: {state: 3, error: not null}, completed: {state: 2}, cancelled: {state: 4}, queued: {state: 0}}',
)

describe('the words of a mapped table', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let env: Record<string, string>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 60)
    server = await startServer({
      ...database.env,
      JOBS_MAP_FILE: await mapFile(byConditions),
      SINGLE_USER_API_KEY: 'key',
    })
    await server.prepared
    env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })
  const jobsctl = async (...argv: string[]) => {
    const { code, out, err } = await runJobsctl(argv, { env })
    return { code, out, err }
  }

  it('stand beside ours in a list and in a job, and no error of a job is among them', async () => {
    const table = await jobsctl('list', '--status', 'failed', '--output', 'table')
    expect(table.out).toMatch(/NATIVE/i)
    expect(table.out).toMatch(/failed +state 3, locked_at null, error not null/)
    expect(table.out).not.toContain('SMTP')
    const tsv = await jobsctl('list', '--status', 'completed', '--columns', 'status,native_state', '--tsv')
    expect(tsv.out).toContain('completed\tstate 2, locked_at null, error null\n')
    const [id] = (await jobsctl('list', '--status', 'processing', '--limit', '1', '--ids')).out.split('\n')
    const shown = await jobsctl('show', id ?? '', '--output', 'table')
    expect(shown.out).toContain('state 1, locked_at not null, error null, in the words of its table')
    const json: object = JSON.parse((await jobsctl('show', id ?? '', '--json')).out)
    expect(json).toMatchObject({ status: 'processing', native_state: 'state 1, locked_at not null, error null' })
    expect(Object.keys(json).filter((name) => /^native_|^xmin$/.test(name))).toEqual(['native_state'])
  })

  it('are told where the map has them not, by stats, doctor and init --check', async () => {
    const before = await jobsctl('doctor', '--output', 'table')
    expect(before.out).not.toContain('the map of their table')
    expect((await jobsctl('stats', '--output', 'table')).out).not.toMatch(/unmapped/i)
    await sql`update app.email_jobs set state = 9 where state = 3`
    const { out, err } = await jobsctl('stats', '--output', 'table')
    expect(out).toMatch(/UNMAPPED/i)
    expect(`${out}${err}`).toContain('12 unmapped: their state is not in the map, and no change touches them')
    expect((await jobsctl('list', '--output', 'table')).out).toMatch(
      /unmapped +state 9, locked_at null, error not null/,
    )
    expect(`${out}${err}`).toContain('jobsctl list --status unmapped')
    const unmapped = await jobsctl('list', '--status', 'unmapped,failed', '--json')
    const states = JSON.parse(unmapped.out).map(({ status }: { status: string }) => status)
    expect(new Set(states)).toEqual(new Set(['unmapped']))
    expect(states).toHaveLength(12)
    expect((await jobsctl('top', '--once', '--output', 'table')).err).toContain(
      '12 unmapped: jobsctl list --status unmapped',
    )
    for (const change of ['retry', 'cancel', 'priority', 'prune', 'hold']) {
      const words = change === 'priority' ? ['--set', '5'] : change === 'hold' ? ['add', '--until', '7d'] : []
      const refused = await jobsctl(change, ...words, '--domain', 'app', '--status', 'unmapped', '--yes')
      expect({ change, code: refused.code }).toEqual({ change, code: 2 })
    }
    const doctor = await jobsctl('doctor', '--json')
    expect(JSON.parse(doctor.out)).toContainEqual(
      expect.objectContaining({
        check: 'engine',
        result: 'warning',
        detail: expect.stringContaining('12 jobs have a state that the map of their table does not have'),
        hint: expect.stringContaining('jobs-server init --check names the values'),
      }),
    )
    const check = await runServer(['init', '--check', '--map', await mapFile(byConditions)], database.env)
    expect(check.err).toContain('gives no state: state 9, locked_at null, error not null (12)')
    await sql`update app.email_jobs set state = 3 where state = 9`
  })
})
