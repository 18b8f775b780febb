import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { createToken, rotateToken, suspendToken } from '../../../server/auth/tokens.ts'
import type { Grant } from '../../../shared/access/rights.ts'
import { bearer, idOf } from '../../support/access/tokens.ts'
import { planOf, planPath } from '../../support/changes/plans.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** What somebody tries who has a token, or none, and must not get. */
interface Try {
  as: string
  call: string
  body?: object
  headers?: Record<string, string>
  status: number
  /** A part of the answer where the status is 200: what lies outside of the scope of the caller is not there. */
  holds?: string
  /** The whole answer where the status is 200. */
  is?: string
}

const jobs = '/api/v1/jobs'
const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const [own, foreign] = [710_000_001, 720_000_001]
const operations = { own: 710_000_101, foreign: 720_000_101 }
const lease = { worker_id: 'w', lease_id: 'lease' }
const digest = '0'.repeat(64)
const [ownUuid, foreignUuid] = [crypto.randomUUID(), crypto.randomUUID()]
const job = (domain: string) => ({ domain, queue: 'q', job_type: 't', payload: {} })
const none = { 'x-api-key': '' }
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

let world: World
const callers: Record<string, Record<string, string>> = { nobody: none }
const plans: Record<string, { id: number; digest: string }> = {}
let foreignPreview = ''
let before: unknown

const scope = { domains: ['zebra'], queues: [], job_types: [], cascade: false }

async function make(name: string, grant: Partial<Grant> & { scope?: object; principal?: string }, days = 1) {
  const whole = { role: 'viewer', may_enqueue: false, principal: name, madeBy: 'jobs-server', ...grant }
  const given = { ...whole, scope: grant.scope ? scope : undefined }
  const { token } = await createToken(world.sql, { name, grant: given, days })
  callers[name] = bearer(token)
  return token
}

beforeAll(async () => {
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_METRICS: 'true' })
  const { sql } = world
  for (const [domain, id, uuid] of [
    ['zebra', own, ownUuid],
    ['quagga', foreign, foreignUuid],
  ] as const) {
    const leased_until = '2100-01-01T00:00:00Z'
    await world.jobs(1, { id, uuid, domain, queue: 'q', job_type: 't', status: 'processing', ...lease, leased_until })
    await world.jobs(2, { ...old, domain, error_message: `secret of ${domain}` })
    await world.jobs(1, { domain, status: 'failed', error_message: `no space on ${domain}` })
    const expired = { status: 'processing', leased_until: '2020-01-01T00:00:00Z', started_at: '2020-01-01T00:00:00Z' }
    await world.jobs(1, { domain, queue: 'q', job_type: 't', worker_id: `worker of ${domain}`, ...expired })
    await sql`
      insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds, max_duration_seconds, enabled)
      values (${domain}, 'q', 't', 5, 5, true)`
    await sql`
      insert into job_queue_controls (domain, queue, paused, drain, updated_at) values (${domain}, 'q', true, false, now())`
    await sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', ${domain})`
    await sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
      values (${id}, ${domain}, 'q', 't', 'job.created', '{}')`
    await sql`
      insert into job_operations (id, kind, domain, filters, as_of, seen, caller, request_hash, state, affected, ended_at)
      values (${id + 100}, 'priority', ${domain}, '{}', now(), '1:1:', 'somebody', '', 'done', 1, now())`
    await sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, operation_id, archived_at, completed_at)
      values (${id + 1000}, ${crypto.randomUUID()}, ${domain}, 'q', 't', 'completed', ${id + 100}, now(), now())`
  }
  for (const role of ['viewer', 'producer', 'worker', 'operator'] as const)
    await make(`scoped ${role}`, { role, scope })
  for (const role of ['viewer', 'auditor', 'producer', 'worker', 'operator', 'admin'] as const)
    await make(role, { role })
  await make('approver', { role: 'viewer', approver: true })
  await make('scoped approver', { role: 'operator', approver: true, scope })
  await make('author', { role: 'operator' })
  await make("author's second", { role: 'operator', approver: true, principal: 'author' })
  const suspended = await make('suspended', { role: 'admin' })
  await sql.begin((tx) => suspendToken(tx, idOf(suspended), { suspended: true }))
  const revoked = await make('revoked', { role: 'admin' })
  await sql`update jobs_api_tokens set revoked_at = now() where id = ${idOf(revoked)}`
  const expired = await make('expired', { role: 'admin' })
  await sql`update jobs_api_tokens set expires_at = now() - interval '1 second' where id = ${idOf(expired)}`
  const rotated = await make('rotated', { role: 'admin' })
  await sql.begin((tx) => rotateToken(tx, idOf(rotated), { by: undefined, overlapSeconds: 0 }))
  const [admin = '', viewer = ''] = ['admin', 'viewer'].map((name) => callers[name]?.authorization?.slice(7))
  callers['of two tokens'] = bearer(`jobs_${idOf(admin)}_${viewer.split('_').slice(2).join('_')}`)
  callers['of a longer token'] = bearer(`${admin}x`)
  callers['of a shorter token'] = bearer(admin.slice(0, -1))
  callers['of upper case'] = bearer(admin.toUpperCase())
  callers['of the key of single-user mode'] = { 'x-api-key': world.key }
  callers['of a password'] = { ...none, authorization: `Basic ${Buffer.from(`admin:${admin}`).toString('base64')}` }
  callers['of a cookie'] = { ...none, cookie: `jobs_session_00000000=${admin}` }
  callers['of a JWT without a signature'] = bearer(
    `${part({ alg: 'none' })}.${part({ sub: 'admin', groups: ['ops'] })}.`,
  )
  const propose = async (name: string, as: string, domain: string) => {
    const request = { path: paths.prune, request: { domain } }
    plans[name] = planOf(await world.post(planPath, request, { ...callers[as], 'x-reason': 'because' }))
  }
  await propose('waiting', 'author', 'zebra')
  await propose('other', 'author', 'zebra')
  await propose('foreign', 'author', 'quagga')
  await propose('approved', 'author', 'zebra')
  await propose('rejected', 'author', 'zebra')
  for (const [name, action] of [
    ['approved', 'approve'],
    ['rejected', 'reject'],
  ] as const)
    await world.post(`${planPath}/${plans[name]?.id}/${action}`, { digest: plans[name]?.digest }, callers.approver)
  await world.post(`${jobs}/approval`, { above: 1 }, callers.admin)
  const dry = await world.post(paths.prune, { domain: 'quagga', dry_run: true }, callers.operator)
  foreignPreview = z.object({ preview: z.object({ token: z.string() }) }).parse(dry.body).preview.token
  before = await state()
})
afterAll(() => world?.stop())

const state = async () => [
  await world.fingerprint(),
  await world.sql`select id, role, principal, scope, approver, suspended_at, secret_hash from jobsctl_tokens order by id`,
  await world.sql`select id, decision from jobsctl_plans order by id`,
  await world.sql`select name, value from jobsctl_settings where name in ('approval_above', 'preview_key') order by name`,
  await world.sql`select id, state, undone_by from job_operations where position('.' in kind) = 0 order by id`,
  await world.sql`select domain, queue, paused from job_queue_controls order by domain, queue`,
  await world.sql`select id from jobsctl_holds`,
  await world.sql`select id from job_attachments order by id`,
]

/** What begins with `plan:` is the path of a plan. */
const pathOf = (text: string) => text.replace(/plan:(\w+)/, (_, name) => `${planPath}/${plans[name]?.id}`)
const digestOf = (name: string) => plans[name]?.digest

const credentials: Try[] = [
  'nobody',
  'suspended',
  'revoked',
  'expired',
  'rotated',
  'of two tokens',
  'of a longer token',
  'of a shorter token',
  'of upper case',
].map((as) => ({ as, call: `GET ${jobs}/list`, status: 401 }))
const odd: Try[] = [
  'of the key of single-user mode',
  'of a password',
  'of a cookie',
  'of a JWT without a signature',
].map((as) => ({ as, call: `GET ${jobs}/list`, headers: { 'x-forwarded-for': '203.0.113.9' }, status: 401 }))

const roles: Try[] = [
  { as: 'viewer', call: `POST ${paths.prune}`, body: { domain: 'zebra' }, status: 403 },
  { as: 'viewer', call: `POST ${jobs}`, body: job('zebra'), status: 403 },
  { as: 'viewer', call: `POST ${jobs}/${own}/cancel`, body: { force: true }, status: 403 },
  { as: 'viewer', call: `GET ${jobs}/${own}/attachments`, status: 403 },
  { as: 'viewer', call: `GET ${jobs}/list?error=secret`, status: 403 },
  { as: 'viewer', call: `GET ${jobs}/list?payload.secret=1`, status: 403 },
  { as: 'viewer', call: 'GET /api/v1/tokens', status: 403 },
  { as: 'viewer', call: `POST plan:waiting/approve`, body: { digest }, status: 403 },
  {
    as: 'viewer',
    call: `POST ${jobs}/queue/control`,
    body: { domain: 'zebra', queue: 'q', action: 'pause' },
    status: 403,
  },
  { as: 'auditor', call: `GET ${jobs}/list`, status: 403 },
  { as: 'auditor', call: `GET ${jobs}/${own}`, status: 403 },
  { as: 'auditor', call: `GET ${jobs}/events`, status: 403 },
  { as: 'auditor', call: 'POST /api/v1/tokens', body: { name: 'mine', role: 'admin' }, status: 403 },
  { as: 'producer', call: `GET ${jobs}/list`, status: 403 },
  { as: 'producer', call: `POST ${jobs}/acquire`, body: { domain: 'zebra', queue: 'q', worker_id: 'w' }, status: 403 },
  { as: 'producer', call: `GET ${jobs}/${own}`, status: 403 },
  { as: 'worker', call: `GET ${jobs}/list`, status: 403 },
  { as: 'worker', call: `GET ${jobs}/stats`, status: 403 },
  { as: 'worker', call: `GET ${jobs}/events/stream`, status: 403 },
  { as: 'worker', call: `POST ${jobs}`, body: job('zebra'), status: 403 },
  { as: 'worker', call: `POST ${jobs}/${own}/complete`, body: { ...lease, lease_id: 'guessed' }, status: 409 },
  { as: 'operator', call: 'GET /api/v1/tokens', status: 403 },
  { as: 'operator', call: 'POST /api/v1/tokens', body: { name: 'mine', role: 'admin' }, status: 403 },
  { as: 'operator', call: `POST ${jobs}/approval`, body: { above: null }, status: 403 },
  { as: 'operator', call: `POST ${jobs}/erase`, body: { owner_user_id: 'alice' }, status: 403 },
  { as: 'operator', call: `POST ${jobs}/policy`, body: { rules: [], revision: 0 }, status: 403 },
  { as: 'operator', call: `POST ${jobs}/acquire`, body: { domain: 'zebra', queue: 'q', worker_id: 'w' }, status: 403 },
  { as: 'operator', call: 'POST /api/v1/callers/block', body: { caller: 'oidc:ann@idp' }, status: 403 },
  { as: 'approver', call: `POST plan:approved/apply`, body: {}, status: 403 },
  // A policy is planned by whoever may apply one.
  {
    as: 'operator',
    call: `POST ${planPath}`,
    body: { path: `${jobs}/policy`, request: { rules: [], revision: 0 } },
    status: 403,
  },
]

const scoped = (call: string, status: number, body?: object, as = 'scoped operator'): Try => ({
  ...{ as, call, status },
  ...(body && { body }),
})
const scopes: Try[] = [
  scoped(`GET ${jobs}/${foreign}`, 404),
  scoped(`GET ${jobs}/${foreign}/attachments`, 404),
  scoped(`POST ${jobs}/${foreign}/attachments`, 404, { kind: 'log', content_text: 'x' }),
  scoped(`POST ${jobs}/${foreign}/cancel`, 404, { force: true }),
  scoped(`GET ${jobs}/${foreign}/explain`, 404),
  scoped(`GET ${jobs}/queues/explain?domain=quagga&queue=q`, 404),
  { ...scoped(`GET ${jobs}/list`, 200), holds: 'zebra' },
  { ...scoped(`GET ${jobs}/list?domain=quagga`, 200), is: '[]' },
  { ...scoped(`GET ${jobs}/stats`, 200), holds: 'zebra' },
  { ...scoped(`GET ${jobs}/events`, 200), holds: 'zebra' },
  { ...scoped(`GET ${jobs}/clusters`, 200), holds: 'no space on zebra' },
  { ...scoped(`GET ${jobs}/workers`, 200), holds: 'worker of zebra' },
  { ...scoped(`GET ${jobs}/operations`, 200), holds: 'zebra' },
  { ...scoped(planPath, 200), call: `GET ${planPath}`, holds: 'zebra' },
  { ...scoped(`GET ${jobs}/archive/list`, 200), holds: 'zebra' },
  { ...scoped(`GET ${jobs}/archive/list?domain=quagga`, 200), is: '[]' },
  scoped(`GET ${jobs}/operations/${operations.foreign}`, 404),
  scoped(`GET ${jobs}/operations/${operations.foreign}/progress`, 404),
  scoped(`GET ${jobs}/operations/${operations.foreign}/conflicts`, 404),
  scoped(`POST ${jobs}/operations/${operations.foreign}/undo`, 404, {}),
  scoped(`POST ${jobs}/operations/${operations.foreign}/stop`, 404, {}),
  scoped(`POST ${jobs}/operations/${operations.foreign}/keep`, 404, { until: '2099-01-01T00:00:00Z' }),
  scoped(`POST ${paths.prune}`, 403, { domain: 'quagga' }),
  scoped(`POST ${paths.prune}`, 422, { domain: 'zebra', within: null }),
  scoped(`POST ${jobs}/batch/cancel`, 403, { domain: 'quagga' }),
  scoped(`POST ${jobs}/batch/priority`, 403, { domain: 'quagga', priority: 1 }),
  scoped(`POST ${jobs}/queue/control`, 403, { domain: 'quagga', queue: 'q', action: 'pause', reason: 'r' }),
  scoped(`POST ${jobs}`, 403, job('quagga')),
  scoped(`POST ${jobs}/batch`, 403, { jobs: [job('zebra'), job('quagga')] }),
  // As a uuid that no job has.
  scoped(`POST ${jobs}`, 422, { ...job('zebra'), depends_on: [foreignUuid] }),
  scoped(`POST ${jobs}/holds`, 403, { all: true, until: '2099-01-01T00:00:00Z' }),
  scoped(`GET ${jobs}/holds`, 403),
  scoped(`GET ${jobs}/operations/export`, 403),
  scoped(`GET ${jobs}/operations/verify`, 403),
  scoped(`GET ${jobs}/storage`, 403),
  { ...scoped(`GET ${jobs}/stale`, 200), holds: 'zebra' },
  { ...scoped(`GET ${jobs}/stale?domain=quagga`, 200), is: '[]' },
  { ...scoped(`GET ${jobs}/sla/policies?domain=quagga`, 200), is: '[]' },
  { ...scoped(`GET ${jobs}/sla/breaches?domain=quagga`, 200), is: '[]' },
  scoped(`POST ${jobs}/sla/policy`, 403, { domain: 'quagga', queue: 'q', job_type: 't', max_duration_seconds: 1 }),
  scoped(`DELETE ${jobs}/sla/policy`, 403, { domain: 'quagga', queue: 'q', job_type: 't' }),
  scoped(`POST ${jobs}/sla/policy`, 403, { domain: 'zebra', queue: 'q', job_type: 't' }, 'scoped viewer'),
  scoped(`GET ${jobs}/marks`, 403),
  scoped(`GET ${jobs}/approval`, 403),
  scoped(`GET ${jobs}/policy`, 403),
  scoped(`GET ${jobs}/events/cursors`, 403),
  { ...scoped('GET /metrics/jobs', 200), holds: 'zebra' },
  scoped('GET /metrics', 403),
  scoped(`GET plan:foreign`, 404),
  scoped(`POST plan:foreign/apply`, 404, {}),
  scoped(`POST plan:foreign/approve`, 404, { digest }, 'scoped approver'),
  scoped(`POST plan:foreign/reject`, 404, { digest }, 'scoped approver'),
  scoped(planPath, 403, { path: paths.prune, request: { domain: 'quagga' } }),
  scoped(planPath, 403, { path: `${jobs}/policy`, request: { rules: [], revision: 0 } }),
  scoped(planPath, 422, { path: paths.prune, request: { domain: 'zebra', within: { domains: ['quagga'] } } }),
  scoped(`POST ${jobs}/acquire`, 403, { domain: 'quagga', queue: 'q', worker_id: 'w' }, 'scoped worker'),
  scoped(`POST ${jobs}/${foreign}/complete`, 404, lease, 'scoped worker'),
  scoped(`POST ${jobs}/${foreign}/fail`, 404, { ...lease, error: 'e' }, 'scoped worker'),
  scoped(`POST ${jobs}/${foreign}/renew`, 404, lease, 'scoped worker'),
  scoped(`POST ${jobs}/${foreign}/leased`, 404, { lease_id: lease.lease_id }, 'scoped worker'),
  scoped(`POST ${jobs}`, 403, job('quagga'), 'scoped producer'),
  scoped(`GET ${jobs}/by-key?domain=quagga&queue=q&job_type=t&idempotency_key=k`, 404, undefined, 'scoped producer'),
  scoped(`GET ${jobs}/archive/meta?job_id=${foreign}`, 404, undefined, 'scoped viewer'),
  {
    ...scoped(`GET ${jobs}/queue/status?domain=quagga&queue=q`, 200, undefined, 'scoped viewer'),
    holds: '"paused":false',
  },
].map((one) => (one.call.startsWith('/') ? { ...one, call: `POST ${one.call}` } : one))

const approvals: Try[] = [
  { as: 'author', call: 'POST plan:waiting/approve', body: { digest }, status: 403 },
  { as: "author's second", call: 'POST plan:waiting/approve', status: 403 },
  { as: 'approver', call: 'POST plan:waiting/approve', body: { digest }, status: 409 },
  { as: 'author', call: 'POST plan:waiting/apply', body: {}, status: 403 },
  { as: 'operator', call: 'POST plan:approved/apply', body: {}, status: 403 },
  { as: 'author', call: 'POST plan:rejected/apply', body: {}, status: 409 },
  { as: 'author', call: 'POST plan:approved/apply', body: { digest }, status: 409 },
  { as: 'author', call: 'POST plan:approved/apply', body: { rest_token: 'x.y' }, status: 422 },
  { as: 'author', call: `POST ${paths.prune}`, body: { domain: 'zebra' }, status: 403 },
  {
    as: 'author',
    call: `POST ${paths.prune}`,
    body: { domain: 'zebra' },
    headers: { 'x-emergency': 'true', 'x-reason': 'r' },
    status: 403,
  },
  {
    as: 'admin',
    call: `POST ${paths.prune}`,
    body: { domain: 'zebra' },
    headers: { 'x-emergency': 'true', 'x-reason': 'r' },
    status: 403,
  },
  { as: 'approver', call: `POST ${jobs}/operations/${operations.own}/review`, body: {}, status: 404 },
]

const all = [...credentials, ...odd, ...roles, ...scopes, ...approvals]

it('are more than eighty', () => expect(all.length).toBeGreaterThan(80))

it.each(all)('$as: $call gets $status', async ({ as, call, body, headers = {}, status, holds, is }) => {
  const [method = '', path = ''] = call.split(' ')
  const second = as === "author's second" ? { digest: digestOf('waiting') } : body
  const sent = { ...callers[as], 'x-confirm': 'true', 'x-reason': 'because', ...headers }
  const answer = await world.call(method, pathOf(path), second, sent)
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  expect([answer.status, text]).toEqual([status, expect.anything()])
  if (holds !== undefined) expect(text).toContain(holds)
  if (is !== undefined) expect(text).toBe(is)
  if (as.startsWith('scoped') && !call.includes('quagga') && !JSON.stringify(body ?? {}).includes('quagga'))
    expect(text).not.toContain('quagga')
})

it('have changed nothing, by whomever they were made', async () => {
  const tokens = { preview_token: foreignPreview, domain: 'quagga' }
  for (const as of ['author', 'scoped operator', 'admin'])
    expect([403, 409]).toContain((await world.confirm(paths.prune, tokens, callers[as])).status)
  expect(await state()).toEqual(before)
})
