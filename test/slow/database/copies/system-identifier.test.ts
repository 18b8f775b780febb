import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { everyRead, rowsOfAllKinds } from '../../../support/replay/reads.ts'
import { jobPaths, newJob } from '../../../support/worker.ts'

const key = 'key-of-the-tests'
const role = `blind_${process.pid}`
const cannotSee =
  /this role may not call pg_control_system\(\), so a restore into another PostgreSQL cluster is not noticed/

describe('a role that may not call pg_control_system()', () => {
  let database: TestDatabase
  let operator: postgres.Sql
  let server: Running
  const log: string[] = []

  const start = async () => {
    log.length = 0
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: role }).href
    server = await startServer({ ...database.env, JOBS_DB_URL: url, SINGLE_USER_API_KEY: key }, (line) => {
      log.push(line)
    })
    await server.prepared
  }
  const send = (method: string, path: string, body?: unknown) =>
    call({ url: server.url, method, path, body, headers: { 'x-api-key': key, 'x-confirm': 'true' } })
  /** Calls all reads, a worker's call and a change; the right is looked for by the operator of the database alone. */
  const expectAllAnswered = async () => {
    for (const path of everyRead()) expect((await send('GET', path)).status, path).toBeLessThan(500)
    expect((await send('POST', jobPaths.enqueue, newJob({ domain: 'w' }))).status).toBe(201)
    expect((await send('POST', '/api/v1/jobs/prune', { domain: 'nothing' })).status).toBe(200)
  }
  const systemOf = async (name: string) => {
    const [row] = await operator<{ value: string }[]>`select value from jobsctl_settings where name = ${name}`
    return JSON.parse(row?.value ?? '{}').system
  }

  const notNoticed = async () => Object((await send('GET', '/api/v1/jobs/storage')).body).restores_not_noticed

  beforeAll(async () => {
    database = await emptyDatabase()
    operator = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await operator.unsafe(`
      create role ${role} login;
      grant create, usage on schema public to ${role};
      revoke execute on function pg_catalog.pg_control_system() from public`)
    await start()
  })
  afterAll(async () => {
    await server?.stop()
    await operator?.unsafe(`drop owned by ${role} cascade; drop role ${role}`)
    await operator?.end()
    await database?.drop()
  })

  it('starts the server, which says what it will not notice, and answers all calls', async () => {
    await operator.unsafe(rowsOfAllKinds)
    expect(log.filter((line) => cannotSee.test(line))).toHaveLength(1)
    expect(log.join('\n')).toContain(
      'grant execute on function pg_catalog.pg_control_system() to the role of the server',
    )
    await expectAllAnswered()
    expect([await systemOf('event_origin'), await systemOf('installation')]).toEqual([null, null])
    expect(await notNoticed()).toEqual([expect.stringContaining('pg_control_system()')])
  })

  it('that gets the right has the system identifier noted, and no id of an event is moved on for it', async () => {
    await server.stop()
    await operator.unsafe(`grant execute on function pg_catalog.pg_control_system() to ${role}`)
    await start()
    expect(log.filter((line) => cannotSee.test(line))).toHaveLength(0)
    expect(await notNoticed()).toEqual([])
    const known = await systemOf('installation')
    expect(known).toMatch(/^\d+$/)
    expect(await systemOf('event_origin')).toBe(known)
    expect(await operator`select from job_events where event_type = 'log.moved'`).toHaveLength(0)
  })

  it('that loses the right while the server runs goes on, and is no copy of the database', async () => {
    const known = await systemOf('installation')
    await operator.unsafe(`revoke execute on function pg_catalog.pg_control_system() from ${role}`)
    // New connections look again, and so does the server when it listens again.
    await operator`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'jobs-server'`
    await until('the server is ready', async () => (await send('GET', '/readyz')).status === 200)
    await until('the log says so', () => log.some((line) => cannotSee.test(line)))
    await expectAllAnswered()
    expect((await send('GET', '/readyz')).body).toEqual({ status: 'ready' })
    expect([await systemOf('event_origin'), await systemOf('installation')]).toEqual([known, known])
    expect(log.filter((line) => cannotSee.test(line))).toHaveLength(1)
  })

  it('nor see the timeline, previews and changes go by what is known, and doctor says what is not noticed', async () => {
    await operator`revoke execute on function pg_catalog.pg_walfile_name(pg_lsn) from public`
    await expectAllAnswered()
    const { body } = await send('POST', '/api/v1/jobs/prune', { domain: 'nothing', dry_run: true })
    const preview_token = Object(body).preview.token
    const prune = () => send('POST', '/api/v1/jobs/prune', { domain: 'nothing', preview_token })
    await operator`insert into job_events (event_type, attrs_json) values ('log.moved', '{}')`
    expect(await prune()).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    const argv = ['doctor', '-o', 'table']
    const doctor = await runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
    const told = doctor.out.replaceAll(/\s+/g, ' ')
    expect(told).toMatch(/not noticed: a restore into another PostgreSQL cluster.*a failover/)
    expect(told).toContain('docs/deploy/roles.md')
  })
})
