import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deleteOldAgentCalls, keepCall } from '../../../server/auth/agents/agent-calls.ts'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import type { Running } from '../../../server/start.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { sessionPath } from '../../support/access/agents.ts'
import { changes, requeue } from '../../support/changes/bulk-tools.ts'
import { makePeople, type People, planPath } from '../../support/changes/plans.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { insertJobs } from '../../support/database/tables.ts'
import { type Answer, call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { everyRead, rowsOfAllKinds } from '../../support/replay/reads.ts'
import { held, jobPath, jobPaths, newJob, workerOf } from '../../support/worker.ts'

const key = 'key-of-the-tests'
const [owner, role, stranger] = ['owner', 'server', 'stranger'].map((name) => `${name}_${process.pid}`) as [
  string,
  string,
  string,
]
const operations = '/api/v1/jobs/operations'

/** Rows whose term is over, and an operation whose server died: what is done in the background has something to do. */
const overTheirTerm = `
  insert into job_operations (id, kind, filters, as_of, seen, caller, request_hash, state, started_at, touched_at, ended_at)
  select id, 'reclaim', '{}', old, '1:1:', 'x', '', state, old, old, case state when 'done' then old end
  from (values (9001, 'done', now() - interval '90 days'), (9002, 'running', now() - interval '90 days')) as made (id, state, old);
  insert into jobs_archive (id, domain, queue, job_type, status, operation_id, archived_at)
  values (8000, 'd', 'q', 't', 'failed', 9001, now() - interval '90 days');
  insert into job_operation_rows (operation_id, job_id, before, after) values (9001, 8000, '{}', '{}');
  insert into jobsctl_waiting_edges (uuid, edge, since) values ('gone', '{}', now() - interval '90 days');
  insert into jobsctl_holds (id, filter, until, caller) values (9001, '{}', now() - interval '1 day', 'x');
  insert into jobsctl_held_jobs (job_id, hold_id) values (8000, 9001);
  insert into jobsctl_detached (operation_id, request) values (9000, '{}');
  insert into jobsctl_servers (name, settings, seen_at) values ('gone', '{}', now() - interval '90 days');
  insert into job_events (job_id, event_type, created_at)
  select job_id, 'job.old', now() - interval '90 days' from (values (1), (null)) as jobs (job_id);
  insert into jobsctl_worker_marks (domain, queue, worker_id, filter, asked_at) values ('d', 'q', 'w', '', now() - interval '90 days');
  insert into jobsctl_pickups (domain, queue, job_type, picked_up_at) values ('d', 'q', 't', now() - interval '900 days');
  insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
  values (now() - interval '900 days', 'd', 'q', 't', '', 'queued', 1, 0);
  insert into jobsctl_history_hours (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
  values (now() - interval '900 days', 'd', 'q', 't', '', 'queued', 1, 0);
  insert into jobsctl_history_gaps (began, ended) values (now() - interval '901 days', now() - interval '900 days')`

/** What is left of these rows. */
const leftOver = `
  select 'archive' as what from jobs_archive where id = 8000
  union all select 'images' from job_operation_rows where job_id = 8000
  union all select 'edges' from jobsctl_waiting_edges where uuid = 'gone'
  union all select 'hold' from jobsctl_holds where id = 9001
  union all select 'held' from jobsctl_held_jobs where hold_id = 9001
  union all select 'request' from jobsctl_detached where operation_id = 9000
  union all select 'server' from jobsctl_servers where name = 'gone'
  union all select 'events' from job_events where event_type = 'job.old'
  union all select 'marks' from jobsctl_worker_marks where worker_id = 'w'
  union all select 'pick-ups' from jobsctl_pickups where picked_up_at < now() - interval '800 days'
  union all select 'minutes' from jobsctl_history_minutes where starts < now() - interval '800 days'
  union all select 'hours' from jobsctl_history_hours where starts < now() - interval '800 days'
  union all select 'gaps' from jobsctl_history_gaps where ended < now() - interval '800 days'
  union all select 'orphan' from job_operations where id = 9002 and state = 'running'`
const Operation = z.object({ operation_id: z.number() })
const Id = z.object({ id: z.number() })

/** The owner makes the tables; the server has what `jobs-server grants` prints; a stranger may make schemas in the database. */
describe('a server without rights to make anything', () => {
  let database: TestDatabase
  let operator: postgres.Sql
  let server: Running | undefined
  const log: string[] = []
  const called = new Set<string>()

  const urlOf = (name: string) => Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: name }).href
  const envOf = (name: string, more: Record<string, string> = {}) => ({
    ...{ ...database.env, JOBS_DB_URL: urlOf(name), SINGLE_USER_API_KEY: key },
    ...more,
  })
  const asServer = (more: Record<string, string> = {}) => envOf(role, { JOBS_MIGRATE: 'false', ...more })

  beforeAll(async () => {
    database = await emptyDatabase()
    operator = postgres(database.env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
    await operator.unsafe(`
      create role ${owner} login; create role ${role} login; create role ${stranger} login;
      revoke all on schema public from public;
      grant create, usage on schema public to ${owner}`)
    await operator.unsafe(
      `grant create on database ${new URL(database.env.JOBS_DB_URL ?? '').pathname.slice(1)} to ${stranger}`,
    )
  })
  afterAll(async () => {
    await server?.stop()
    await operator?.unsafe(
      `drop owned by ${owner}, ${role}, ${stranger} cascade; drop role ${owner}, ${role}, ${stranger}`,
    )
    await operator?.end()
    await database?.drop()
  })

  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    called.add(`${method} ${path.replace(/\?.*/, '')}`)
    const all = { 'x-api-key': key, 'x-confirm': 'true', ...headers }
    return call({ url: server?.url ?? '', method, path, body, headers: all })
  }
  /** @throws the whole answer of a call that is refused */
  async function post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await send('POST', path, body, headers)
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  it('says what to type where the tables are missing, and makes nothing', async () => {
    await operator.unsafe(`grant usage on schema public to ${role}`)
    const { code, err } = await runServer([], asServer({ JOBS_DB_SCHEMA: 'public', PORT: '0' }))
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has no tables of jobs-server.*JOBS_MIGRATE=false/s),
    })
    expect(err).toContain('hint: jobs-server migrate, as the owner of the tables')
    const command = await runServer(['token', 'list'], asServer({ JOBS_DB_SCHEMA: 'public' }))
    expect(command).toMatchObject({ code: 2, err: expect.stringContaining('jobs-server migrate') })
    expect(await operator`select from pg_tables where schemaname = 'public'`).toHaveLength(0)
    expect(await runServer(['migrate'], envOf(role))).toMatchObject({
      code: 2,
      err: expect.stringContaining('jobs-server grants'),
    })
    await operator.unsafe(`revoke usage on schema public from ${role}`)
  })

  it('prints the SQL that makes the tables, which another program can run, and makes them only without --dry-run', async () => {
    const dry = await runServer(['migrate', '--dry-run'], envOf(owner))
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('create temporary table wanted_jobs') })
    expect(await operator`select from pg_tables where schemaname = 'public'`).toHaveLength(0)

    const made = await runServer(['migrate'], envOf(owner))
    expect(made).toMatchObject({ code: 0, out: dry.out })
    const tables = await operator`select tablename from pg_tables where schemaname = 'public' and tableowner = ${owner}`
    expect(tables.length).toBeGreaterThan(25)
    expect(await runServer(['migrate', '--dry-run'], envOf(owner))).toMatchObject({ code: 0, out: '' })

    const other = await emptyDatabase()
    const sql = postgres(other.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      // What psql does: each statement on its own, where it is no transaction.
      for (const part of dry.out.split(/^(?=-- \d{4}_)/m)) {
        const statements = /^-- \d{4}_\w+\.concurrent/.test(part) ? part.split(/;\n/) : [part]
        for (const statement of statements)
          await sql.unsafe(statement).catch((error: unknown) => {
            throw new Error(`${statement.slice(0, 300)}: ${String(error)}`)
          })
      }
      const again = await runServer(['migrate', '--dry-run'], other.env)
      expect(again).toMatchObject({ code: 0, out: '' })
    } finally {
      await sql.end()
      await other.drop()
    }
  })

  it('is refused without rights, and says how to print those that it needs', async () => {
    const { code, err } = await runServer([], asServer({ JOBS_DB_SCHEMA: 'public', PORT: '0' }))
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('jobs-server grants --role') })
  })

  it('answers the whole API with what jobs-server grants prints, beside a stranger who may make schemas', {
    timeout: 180_000,
  }, async () => {
    const grants = await runServer(['grants', '--role', role], envOf(owner))
    expect(grants.code).toBe(0)
    expect(grants.out).not.toMatch(/job_counters|truncate|references|trigger|create|pg_monitor/)
    await operator.unsafe(grants.out)
    await operator.unsafe(overTheirTerm)
    const asStranger = postgres(urlOf(stranger), { max: 1, onnotice: () => {} })
    await asStranger.unsafe(`
      create schema ${role}; create table ${role}.jobs (domain text, queue text, job_type text, status text);
      create table ${role}.jobsctl_settings (name text primary key, value text);
      grant all on schema ${role} to public; grant all on all tables in schema ${role} to public`)

    expect(await runServer([], asServer({ PORT: '0' }))).toMatchObject({
      code: 2,
      err: expect.stringContaining('JOBS_DB_SCHEMA'),
    })
    server = await startServer(
      asServer({ JOBS_DB_SCHEMA: 'public', JOBS_EVENTS_DAYS: '30', JOBS_AUDIT_DAYS: '30' }),
      (line) => void log.push(line),
    )
    await server.prepared
    const { sql } = server
    await callEverything(sql)
    // A redrive is refused before it reads a table: own jobs have no dead letters.
    const missing = Object.values(endpoints).filter(
      (one) =>
        one !== endpoints.redrive &&
        'method' in one &&
        ![one.path, ...('aliases' in one ? one.aliases : [])].some((path) => isCalled(`${one.method} ${path}`)),
    )
    expect(missing.map((one) => one.path)).toEqual([])

    await until(
      'stats use the triggers, and maintenance has been',
      () => log.some((line) => line.includes('stats use the counts')),
      60_000,
    )
    await until(
      'maintenance has deleted what is over its term',
      async () => (await operator.unsafe(leftOver)).length === 0,
    )
    await until('the last hash is logged', () => log.some((line) => line.includes('the last hash of the records')))
    for (const argv of [['token', 'create', 'a', '--role', 'viewer'], ['freeze', '--reason', 'x'], ['thaw']])
      expect(await runServer(argv, asServer({ JOBS_DB_SCHEMA: 'public' }))).toMatchObject({ code: 0 })
    expect(log.filter((line) => /permission denied|must be owner/.test(line))).toEqual([])
    expect(await asStranger.unsafe(`select from ${role}.jobs`)).toHaveLength(0)
    await expect(asStranger.unsafe('select from public.jobs')).rejects.toThrow('permission denied')
    await asStranger.end()
    const [self] =
      await operator`select rolsuper, pg_has_role(${role}, 'pg_monitor', 'member') as monitor from pg_roles where rolname = ${role}`
    expect(self).toEqual({ rolsuper: false, monitor: false })
  })

  it('lets doctor name the rights that the role lacks, also one to read a table that doctor measures', async () => {
    const rights = async () => {
      const { code, out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server?.url, JOBSCTL_API_KEY: key } })
      return { code, line: out.split('\n').find((line) => line.startsWith('rights\t')) }
    }
    expect(await rights()).toEqual({ code: 0, line: `rights\tok\tthe role ${role} may do what calls need\t` })
    await operator.unsafe(`
      revoke delete on public.jobs, public.jobsctl_marks from ${role};
      revoke select on public.jobsctl_marks from ${role}`)
    expect(await rights()).toEqual({
      code: 0,
      line: [
        'rights\twarning',
        `the role ${role} lacks the rights delete on jobs, select on jobsctl_marks, delete on jobsctl_marks: calls that need them are refused`,
        `the owner of the tables gives them: jobs-server grants --role ${role} | psql`,
      ].join('\t'),
    })
  })

  it('lets doctor take update on a sequence for the right to its next value, and reads what a hidden column does not hide', async () => {
    const [{ columns }] = await operator<[{ columns: string }]>`
      select string_agg(quote_ident(attname), ', ') as columns
      from pg_attribute
      where attrelid = 'public.jobs'::regclass and attnum > 0 and not attisdropped and attname <> 'payload'`
    await operator.unsafe(`
      revoke usage on sequence public.job_events_id_seq from ${role};
      revoke select on public.jobs from ${role};
      grant select (${columns}) on public.jobs to ${role}`)
    const { rights, tables } = endpoints.storage.output.parse((await send('GET', '/api/v1/jobs/storage')).body)
    expect(rights?.denied).toContain('select (payload) on jobs')
    expect(rights?.denied.filter((right) => right.includes('sequence'))).toEqual([])
    expect(tables.find(({ table }) => table === 'jobs')?.oldest).not.toBeNull()
    await operator.unsafe(`revoke select (created_at) on public.jobs from ${role}`)
    const hidden = endpoints.storage.output.parse((await send('GET', '/api/v1/jobs/storage')).body)
    expect(hidden.rights?.denied).toContain('select (payload, created_at) on jobs')
    expect(hidden.tables.find(({ table }) => table === 'jobs')?.oldest).toBeNull()
    await operator.unsafe(`
      grant usage on sequence public.job_events_id_seq to ${role};
      grant select on public.jobs to ${role}`)
  })

  it('lets doctor report what it can, where the role may not read tables, columns and sequences that its checks read', async () => {
    const tables = ['job_events', 'job_operations', 'jobsctl_counting', 'jobsctl_event_cursors', 'jobsctl_history']
    const others = [
      'jobsctl_operation_terms',
      'jobsctl_policy_rules',
      'jobsctl_servers',
      'jobsctl_settings',
      'jobsctl_tasks',
    ]
    for (const table of [...tables, ...others]) await operator.unsafe(`revoke select on public.${table} from ${role}`)
    await operator.unsafe(`
      revoke select on public.job_attachments from ${role};
      grant select (id, job_id) on public.job_attachments to ${role};
      revoke usage, update on all sequences in schema public from ${role}`)
    const { code, out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server?.url, JOBSCTL_API_KEY: key } })
    const line = (name: string) => out.split('\n').find((one) => one.startsWith(`${name}\t`)) ?? ''
    expect(code).toBe(4)
    for (const table of [...tables, ...others]) expect(line('rights')).toContain(`select on ${table}`)
    expect(line('rights')).toMatch(
      /select \([^)]*content_text[^)]*\) on job_attachments.*usage on sequence public\.job_events_id_seq/,
    )
    expect(line('events')).toBe(
      'events\twarning\tnot checked: the role of the server may not read the event log\tsee the line rights',
    )
    // Calls of workers are answered.
    expect((await send('GET', '/readyz')).body).toEqual({ status: 'ready' })
    expect(line('database')).toMatch(/^database\tok\t/)
    expect(line('state')).toMatch(/^state\twarning\tnot checked: /)
    expect(line('history')).toMatch(/^history\tok\tjobs .*; job_events /)
    for (const name of ['counts', 'readers', 'policy'])
      expect(line(name)).toMatch(
        /\tfailed\tthe role of the server lacks a right in the database: permission denied for \w+ \w+; its owner gives it: grant .* to .*; nothing was changed\t/,
      )
  }, 120_000)

  const isCalled = (endpoint: string): boolean => {
    const pattern = new RegExp(`^${endpoint.replaceAll(/:\w+/g, '[^/]+')}$`)
    return [...called].some((one) => pattern.test(one))
  }

  /** Calls every endpoint on rows that it finds, changes and undoes. */
  async function callEverything(sql: Running['sql']): Promise<void> {
    await operator.unsafe(rowsOfAllKinds)
    for (const path of everyRead()) expect((await send('GET', path)).status, path).toBeLessThan(500)
    const worker = workerOf((path, body) => send('POST', path, body))
    const base = await worker.enqueue({ domain: 'w' })
    await worker.enqueue({ domain: 'w', depends_on: [base.uuid] })
    for (const created of [true, false])
      expect(await worker.enqueue({ domain: 'u', idempotency_key: 'k', unique: 'while_queued' })).toMatchObject({
        created,
      })
    for (const step of ['release', 'fail', 'complete'] as const) {
      await worker.enqueue({ domain: 'w' })
      const job = await worker.take({ domain: 'w' })
      await post(jobPath(job.id, 'renew'), { ...held(job), lease_seconds: 60 })
      await post(`/api/v1/jobs/${job.id}/leased`, { lease_id: held(job).lease_id })
      await post(jobPath(job.id, step), { ...held(job), ...(step === 'fail' && { error: 'it broke' }) })
      await post(`/api/v1/jobs/${job.id}/attachments`, { kind: 'log', content_text: 'x' })
    }
    await post(jobPaths.batch, { jobs: [newJob({ domain: 'w' }), newJob({ domain: 'w' })] })
    const [job] = await worker.lease({ domain: 'w' })
    if (!job) throw new Error('no job was leased')
    await post('/api/v1/jobs/cancel_requests', { worker_id: held(job).worker_id, wait_seconds: 1 })
    await post(jobPaths.renewMany, { jobs: [{ id: job.id, ...held(job), lease_seconds: 60 }] })
    await post(jobPaths.finishMany, { jobs: [{ id: job.id, ...held(job), action: 'complete' }] })
    const cancelled = await worker.enqueue({ domain: 'w' })
    await post(jobPath(cancelled.id, 'cancel'), {})
    await changeAndUndo(sql)
    await actOnAll()
    await runPolicy(sql)
    await planAndApprove()
  }

  /** A plan that is applied, one that is rejected, and an emergency: they take several callers. */
  async function planAndApprove(): Promise<void> {
    const env = asServer({ JOBS_DB_SCHEMA: 'public', AUTH_MODE: 'multi_user', PORT: '0' })
    const many = await startServer(env, (line) => void log.push(line))
    try {
      await many.prepared
      const people = await makePeople(many.sql)
      const as = async (who: keyof People, path: string, body: object, more: Record<string, string> = {}) => {
        called.add(`POST ${path}`)
        const headers = {
          authorization: people[who].authorization ?? '',
          'x-confirm': 'true',
          'x-reason': 'r',
          ...more,
        }
        const answer = await call({ url: many.url, method: 'POST', path, body, headers })
        if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
        return answer.body
      }
      const prune = { domain: 'chatbooks' }
      await as('boss', '/api/v1/jobs/approval', { above: 1 })
      for (const action of ['approve', 'reject']) {
        await insertJobs(many.sql, 3)
        const { id, digest } = z
          .object({ id: z.number(), digest: z.string() })
          .parse(await as('ann', planPath, { path: '/api/v1/jobs/prune', request: prune }))
        await as('ben', `${planPath}/${id}/${action}`, { digest })
        if (action === 'approve') await as('ann', `${planPath}/${id}/apply`, {})
      }
      const { operation_id } = Operation.parse(
        await as('glass', '/api/v1/jobs/prune', prune, { 'x-emergency': 'true' }),
      )
      await as('ben', `${operations}/${operation_id}/review`, {})
      await as('boss', '/api/v1/jobs/approval', { above: null })
      await setAgents(many.sql, true)
      const { token } = z.object({ token: z.string() }).parse(await as('ann', sessionPath, {}))
      const agent = { authorization: `Bearer ${token}` }
      await as('ann', `${planPath}/preview`, { path: '/api/v1/jobs/integrity/sweep', request: { fix: true } }, agent)
      await insertJobs(many.sql, 1)
      await as('ann', planPath, { path: '/api/v1/jobs/prune', request: prune }, agent)
      const caller = { id: 'x', agent: { name: 'x', of: 'ann', session: undefined, client: undefined } }
      await keepCall(many.sql, { caller, tool: 'list_jobs', filter: {}, rows: 0, fields: [] })
      await many.sql`update jobsctl_agent_calls set called_at = now() - interval '91 days'`
      await deleteOldAgentCalls(many.sql, new AbortController().signal)
      expect(await many.sql`select from jobsctl_agent_calls`).toHaveLength(0)
      await as('ann', `${sessionPath}/end`, {}, agent)
      await setAgents(many.sql, false)
    } finally {
      await many.stop()
    }
  }

  /** A policy whose rules run, and which ends. */
  async function runPolicy(sql: Running['sql']): Promise<void> {
    const path = '/api/v1/jobs/policy'
    const at = { at: '15 3 * * *', time_zone: 'UTC', max: 10, mode: 'apply', domain: 'chatbooks' }
    const prune = { name: 'ended', prune: { statuses: ['completed'], older_than_days: 30 }, ...at }
    const rules = [prune, { name: 'stuck', sweep: { age_seconds: 60, action: 'fail' }, ...at, mode: 'report' }]
    await insertJobs(sql, 2)
    await post(path, { rules, revision: 0, dry_run: true })
    await post(`${path}/simulate`, { rules })
    await post(path, { rules, revision: 0 })
    await sql`update jobsctl_policy_rules set next_at = now()`
    const state = async () =>
      (await sql`select state from jobsctl_policy_rules order by name`).map((rule) => rule.state)
    await until('both rules have run', async () => (await state()).join() === 'done,reported')
    await post(path, { rules: [], revision: 1 })
  }

  async function changeAndUndo(sql: Running['sql']): Promise<void> {
    const orphan = () => sql`select from job_operations where id = 9002 and state = 'running'`
    await until('the record without a server is closed', async () => (await orphan()).count === 0)
    for (const change of changes) {
      await insertJobs(sql, 2, change.wanted)
      const { operation_id: id } = z
        .object({ operation_id: z.number().optional() })
        .parse(await post(change.path, change.body))
      if (id === undefined) continue
      // Not every kind keeps something, or can be undone: the database is asked all the same.
      const until = new Date(Date.now() + 20 * 86_400_000).toISOString()
      expect((await send('POST', `${operations}/${id}/keep`, { until })).status).toBeLessThan(500)
      for (const step of ['undo', 'stop'])
        expect((await send('POST', `${operations}/${id}/${step}`, {})).status).toBeLessThan(500)
      for (const read of ['', '/conflicts', '/progress']) await send('GET', `${operations}/${id}${read}`)
    }
    await insertJobs(sql, 2, { ...requeue.wanted, owner_user_id: 'alice' })
    await post('/api/v1/jobs/erase', { owner_user_id: 'alice' })
    await insertJobs(sql, 2)
    Operation.parse(await post('/api/v1/jobs/prune', { domain: 'chatbooks' }, { prefer: 'respond-async' }))
    await insertJobs(sql, 2, { status: 'queued', domain: 'w' })
    await post('/api/v1/jobs/reschedule', { domain: 'w' })
  }

  async function actInSession(): Promise<void> {
    const page = { 'sec-fetch-site': 'same-origin' }
    const { status, headers } = await send('POST', '/api/v1/session', { key }, page)
    expect(status).toBe(201)
    const cookie = headers['set-cookie']?.split(';')[0] ?? ''
    // The next call notes that the session is used.
    await operator.unsafe(`update jobsctl_sessions set seen_at = now() - interval '2 minutes'`)
    expect((await send('GET', '/api/v1/caller', undefined, { 'x-api-key': '', cookie })).status).toBe(200)
    await post('/api/v1/session/end', { everywhere: true })
    for (const action of ['block', 'unblock'])
      await post(`/api/v1/callers/${action}`, { caller: 'oidc:ann@idp.example' })
  }

  async function actOnAll(): Promise<void> {
    const cursor = '/api/v1/jobs/events/cursors/reader'
    for (const after_id of [1, 2]) await post(cursor, { after_id })
    await post(`${cursor}/remove`)
    await actInSession()
    await post('/api/v1/jobs/marks', { text: 'a deployment' })
    for (const action of ['pause', 'drain', 'resume'])
      await post(jobPaths.control, { domain: 'w', queue: 'default', action })
    for (const quarantine_threshold of [5, null])
      await post(jobPaths.control, { domain: 'w', queue: 'default', action: 'set', quarantine_threshold })
    for (const running of [100, null]) {
      await post('/api/v1/jobs/queue/throttle', { domain: 'w', queue: 'default', running, per_minute: running })
      await post(jobPaths.acquire, { domain: 'w', worker_id: 'throttled' })
    }
    const policy = { domain: 'w', queue: 'default', job_type: 'export' }
    await post('/api/v1/jobs/sla/policy', { ...policy, max_duration_seconds: 5 })
    expect((await send('DELETE', '/api/v1/jobs/sla/policy', policy)).status).toBe(200)
    const hold = Id.parse(
      await post('/api/v1/jobs/holds', { domain: 'w', until: new Date(Date.now() + 86_400_000).toISOString() }),
    )
    await post(`/api/v1/jobs/holds/${hold.id}/remove`)
    const { id } = z.object({ id: z.string() }).parse(await post('/api/v1/tokens', { name: 'ci', role: 'worker' }))
    for (const role of ['viewer', 'operator']) await post(`/api/v1/tokens/${id}/role`, { role })
    await post(`/api/v1/tokens/${id}/scope`, { scope: null })
    await post(`/api/v1/tokens/${id}/limits`, { max_per_day: 5 })
    for (const action of ['rotate', 'suspend', 'resume', 'revoke']) await post(`/api/v1/tokens/${id}/${action}`)
    expect((await send('GET', `/api/v1/tokens/${id}`)).status).toBe(200)
  }
})
