import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { singleUser } from '../../../server/auth/authenticate.ts'
import { byCaller } from '../../../server/bulk/change/commission.ts'
import type { Names } from '../../../server/database/connection/qualify.ts'
import { makePlanned } from '../../../server/endpoints/plans/plannable.ts'
import { previewPolicy } from '../../../server/endpoints/policy/apply-policy.ts'
import { type Abilities, abilitiesOf, ownAbilities } from '../../../server/engines/abilities.ts'
import type { Found } from '../../../server/engines/found.ts'
import { pgBoss as adapter } from '../../../server/engines/pg-boss/adapter.ts'
import { type Right, rightsOf } from '../../../shared/access/rights.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { allVerbs } from '../../../shared/engine/verbs.ts'
import { doors } from '../../support/access/doors.ts'
import { type EngineServer, serveEngine } from '../../support/engine-server.ts'
import { callWith } from '../../support/sql/call-with.ts'
import { statementsOf } from '../../support/sql/sql-text.ts'

const found: Found = {
  schema: 'pgboss',
  schemaName: 'pgboss',
  domain: 'pgboss',
  columns: new Set(),
  indexes: new Set(),
  beside: new Set(),
  version: 46,
  release: '12.38',
  tables: 12,
  jobs: 10,
  queues: 2,
}
const names: Names = {
  schema: 'jobsctl',
  tables: new Set(),
  functions: new Set(),
  sources: new Map(),
  jobId: 'text',
}
const abilitiesAt = (mode: 'look' | 'admin', one: Found) =>
  abilitiesOf({
    mode,
    places: [{ adapter, found: one, lacksArchive: false, onlyReads: false, names }],
    isChosen: false,
    server: {},
  })
const pgBoss = abilitiesAt('admin', found)
const place = { domain: 'pgboss', id: 1, uuid: 'u', operation: 1, plan: 1 }

interface Declared {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
}
const declared: Record<string, Declared> = endpoints
const known: Record<string, (typeof doors)[keyof typeof doors] | undefined> = doors

/** Inputs of endpoints that have no door, where they need one. */
const bodies: Record<string, object | undefined> = {
  blockCaller: { caller: 'oidc:ann' },
  unblockCaller: { caller: 'oidc:ann' },
  makeToken: { name: 'n', role: 'viewer' },
  setTokenLimits: { max_per_change: 1 },
  setTokenRole: { role: 'viewer' },
  setTokenScope: { scope: null },
  addMark: { text: 'deploy' },
  setApproval: { above: null },
  moveEventCursor: { after_id: 0 },
  addHold: { ids: [1], until: new Date(Date.now() + 86_400_000).toISOString() },
  applyPolicy: { rules: [], revision: 0 },
  simulatePolicy: { rules: [] },
  erase: { ids: [1] },
}
const pathWithIds = (path: string) => path.replace('/tokens/:id', '/tokens/0123456789ab').replaceAll(/:\w+/g, '1')

/** How the test calls each endpoint that is neither a stream nor of a browser. */
const calls = Object.entries(declared).flatMap(([name, { method = 'GET', path }]) => {
  if (path.endsWith('/stream') || path.startsWith('/api/v1/session')) return []
  const door = known[name]
  return [
    {
      name,
      method,
      path: door?.path(place) ?? pathWithIds(path),
      body: door?.body?.(place) ?? bodies[name] ?? {},
      headers: { 'x-reason': 'r', ...door?.headers },
    },
  ]
})

const Problem = z.looseObject({ code: z.string(), detail: z.string(), hint: z.string().optional() })
const codeOf = (body: unknown): string => Problem.safeParse(body).data?.code ?? ''

/** What a server with these abilities answers to one call, and whether it asks its database, which is away. */
async function ask(abilities: Abilities, ...[method, path, body, headers]: Parameters<EngineServer['send']>) {
  const server = await serveEngine(abilities)
  const answer = await server.send(method, path, body, headers).finally(server.stop)
  return { ...answer, isAsked: server.isAsked() }
}

/** What jobs of pg-boss do not have, by the names of the endpoints; every other call is served. */
const lacking = {
  controlQueue: 'pg-boss cannot pause a queue; nothing was changed',
  edit: 'this version of jobsctl edits no jobs of pg-boss; nothing was changed',
  throttleQueue:
    'workers of pg-boss take jobs by its own library, which no throttle of ours holds back; nothing was changed',
  setSlaPolicy: 'the SLA of a queue is kept for own jobs alone; nothing was changed',
  deleteSlaPolicy: 'the SLA of a queue is kept for own jobs alone; nothing was changed',
  listSlaPolicies: 'the SLA of a queue is kept for own jobs alone; nothing was changed',
  listSlaBreaches: 'the SLA of a queue is kept for own jobs alone; nothing was changed',
  requeue: 'pg-boss quarantines no jobs; nothing was changed',
  enqueue: 'jobs of pg-boss are sent by its own library; nothing was changed',
  enqueueBatch: 'jobs of pg-boss are sent by its own library; nothing was changed',
  jobByKey: 'jobs of pg-boss are sent by its own library; nothing was changed',
  acquire: 'workers of pg-boss get their jobs by its own library; nothing was changed',
  leasedJob: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  cancelRequests: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  renew: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  renewMany: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  complete: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  fail: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  release: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  finishMany: 'a job of pg-boss is ended by the worker that has it; nothing was changed',
  reclaim: 'pg-boss does not say which worker has which job; nothing was changed',
  addAttachment: 'jobs of pg-boss have no attachments; nothing was changed',
  listAttachments: 'jobs of pg-boss have no attachments; nothing was changed',
  checkCounts: 'pg-boss looks after its own tables and indexes; nothing was changed',
  idleIndexes: 'pg-boss looks after its own tables and indexes; nothing was changed',
  missingIndexes: 'pg-boss looks after its own tables and indexes; nothing was changed',
}

describe('what an engine cannot', () => {
  it('is refused at every endpoint, and every other endpoint goes on', async () => {
    const refused: Record<string, string> = {}
    for (const { name, method, path, body, headers } of calls) {
      const answer = await ask(pgBoss, method, path, body, headers)
      if (codeOf(answer.body) !== 'not_supported') continue
      expect(answer).toMatchObject({ status: 422, isAsked: false })
      const { detail, hint } = Problem.parse(answer.body)
      expect(hint).toBeTruthy()
      refused[name] = detail
    }
    expect(refused).toEqual(lacking)
  })

  it('is told of a repair, and not of a look at what is wrong', async () => {
    const fix = await ask(pgBoss, 'POST', '/api/v1/jobs/integrity/sweep', { fix: true, domain: 'pgboss' })
    expect(fix).toMatchObject({ status: 422, isAsked: false, body: { code: 'not_supported' } })
    expect(Problem.parse(fix.body).hint).toContain('jobsctl integrity')
  })

  it.each([
    ['pause', 'pg-boss cannot pause a queue'],
    ['resume', 'pg-boss cannot pause a queue'],
    ['DRAIN', 'pg-boss cannot drain a queue'],
    ['set', 'pg-boss quarantines no jobs'],
  ])('is told by what the call asks: %s', async (action, why) => {
    const body = { domain: 'pgboss', queue: 'q', action, ...(action === 'set' && { quarantine_threshold: 3 }) }
    const answer = await ask(pgBoss, 'POST', '/api/v1/jobs/queue/control', body)
    expect(answer).toMatchObject({ status: 422, isAsked: false, body: { detail: `${why}; nothing was changed` } })
  })

  const half: Abilities = {
    ...pgBoss,
    can: {
      ...pgBoss.can,
      cancel_running: { cannot: 'it cannot end running jobs', instead: 'add --status queued' },
      sweep_running: { cannot: 'it cannot end running jobs', instead: 'leave --runtime out' },
      prune: { cannot: 'it deletes nothing', instead: 'its own library does' },
      events: { cannot: 'it has no events', instead: 'read the records' },
    },
  }
  const rule = { name: 'r', domain: 'pgboss', at: '0 3 * * *', time_zone: 'UTC', max: 10, mode: 'report' }
  const pruning = { ...rule, prune: { statuses: ['completed'], older_than_days: 9 } }
  const sweeping = { ...rule, sweep: { runtime_seconds: 3600, action: 'cancel' } }

  it.each([
    ['/batch/cancel', { all: true, dry_run: true, force: true }, 'it cannot end running jobs'],
    ['/batch/cancel', { all: true, dry_run: true }, undefined],
    ['/batch/cancel', { all: true, dry_run: true, status: ['processing'] }, 'it cannot end running jobs'],
    ['/batch/cancel', { all: true, dry_run: true, status: ['queued'] }, undefined],
    ['/ttl/sweep', { runtime_seconds: 60, dry_run: true }, 'it cannot end running jobs'],
    ['/ttl/sweep', { age_seconds: 60, dry_run: true }, undefined],
    ['/policy', { rules: [sweeping], revision: 0, dry_run: true }, 'it cannot end running jobs'],
    ['/policy', { rules: [pruning], revision: 0 }, 'it deletes nothing'],
    ['/policy', { rules: [], revision: 0, dry_run: true }, undefined],
    ['/policy/simulate', { rules: [sweeping] }, 'it cannot end running jobs'],
    ['/policy/simulate', { rules: [pruning] }, 'it deletes nothing'],
  ])('is a part of a change, by its filter: %s %j', async (path, body, why) => {
    const { body: problem, isAsked } = await ask(half, 'POST', `/api/v1/jobs${path}`, body)
    if (why === undefined) return expect(codeOf(problem)).not.toBe('not_supported')
    expect(problem).toMatchObject({ code: 'not_supported', detail: `${why}; nothing was changed` })
    expect(isAsked).toBe(false)
  })

  it.each([
    ['a plan, a server that takes a change over', { path: '/api/v1/jobs/prune', request: { domain: 'pgboss' } }],
    ['a plan of a policy', { path: '/api/v1/jobs/policy', request: { rules: [pruning], revision: 0 } }],
  ])('is refused where no route asks: %s', async (_way, { path, request }) => {
    let refusal: unknown
    const statements = await statementsOf(async (sql) => {
      const call = { ...callWith(sql), abilities: () => half, reason: 'r' }
      const made =
        path === '/api/v1/jobs/policy'
          ? previewPolicy(call, endpoints.applyPolicy.input.parse(request))
          : makePlanned(call, { ...byCaller(call), by: 'plan' }, { path, request })
      await made.catch((error: unknown) => {
        refusal = error
      })
    })
    expect(refusal).toMatchObject({ code: 'not_supported', hint: 'its own library does' })
    expect(statements.filter((text) => /delete|insert|update/.test(text))).toEqual([])
  })

  it('ends a stream before it begins', async () => {
    const answer = await ask(half, 'GET', '/api/v1/jobs/events/stream')
    expect(answer).toMatchObject({ status: 422, isAsked: false, body: { code: 'not_supported' } })
  })

  it('is told only to callers who have the right', async () => {
    const viewer = { ...singleUser, role: 'viewer', may: rightsOf({ role: 'viewer', may_enqueue: false }) }
    const server = await serveEngine(pgBoss, { key: viewer })
    const body = { domain: 'pgboss', queue: 'q', action: 'pause' }
    const answer = await server.send('POST', '/api/v1/jobs/queue/control', body).finally(server.stop)
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(JSON.stringify(answer.body)).not.toContain('pg-boss')
  })

  it('is nothing for own jobs, but a dead-letter queue, which no call of own jobs asks for', () => {
    expect(allVerbs.filter((verb) => ownAbilities.can[verb] !== true)).toEqual(['redrive'])
  })
})

describe('a server that only looks', () => {
  // Verbs of the engine must not stand before the question whether anything may be written.
  const looking = { ...abilitiesAt('look', found), can: { ...ownAbilities.can, redrive: true } as const }
  const bulk = { older_than_days: 1, domain: 'pgboss' }

  it('previews changes, and makes none', async () => {
    const preview = await ask(looking, 'POST', '/api/v1/jobs/prune', { ...bulk, dry_run: true })
    expect(codeOf(preview.body)).not.toBe('records_missing')
    const change = await ask(looking, 'POST', '/api/v1/jobs/prune', bulk)
    expect(change).toMatchObject({ status: 403, isAsked: false, body: { code: 'records_missing' } })
    expect(Problem.parse(change.body).hint).toContain('jobs-server migrate --engine pg-boss')
  })

  it('refuses whatever writes, and opens sessions', async () => {
    for (const { name, method, path, body, headers } of calls) {
      if (method === 'GET') continue
      const whole = Object.fromEntries(Object.entries(body).filter(([field]) => field !== 'dry_run'))
      const fields = name === 'integrity' ? { ...whole, fix: true } : whole
      const answer = await ask(looking, method, path, fields, headers)
      if (['leasedJob', 'cancelRequests', 'simulatePolicy', 'previewPlan'].includes(name))
        expect(answer.isAsked).toBe(true)
      else expect([name, codeOf(answer.body), answer.isAsked]).toEqual([name, 'records_missing', false])
    }
    const ended = await ask(looking, 'POST', '/api/v1/session/end')
    expect(codeOf(ended.body)).not.toBe('records_missing')
  })
})

describe('a version that nobody has tried', () => {
  it.each([
    [47, 'newer than 12.38', 'install a newer version of jobs-server'],
    [24, '10.4', 'install a newer pg-boss'],
  ])('is looked at, and not changed: schema %i', async (version, release, hint) => {
    const untried = abilitiesAt('admin', { ...found, version, release })
    const change = await ask(untried, 'POST', '/api/v1/jobs/prune', { older_than_days: 1, domain: 'pgboss' })
    expect(change).toMatchObject({ status: 422, isAsked: false, body: { code: 'not_supported', hint } })
    expect(JSON.stringify(change.body)).toContain(`(schema ${version})`)
    const preview = await ask(untried, 'POST', '/api/v1/jobs/prune', { older_than_days: 1, domain: 'x', dry_run: true })
    expect(codeOf(preview.body)).not.toBe('not_supported')
  })
})

describe('a client that reads ids as numbers', () => {
  const old = { 'user-agent': '' }

  it('is refused over another engine, where jobs are named', async () => {
    const answer = await ask(pgBoss, 'POST', '/api/v1/jobs/batch/retry', { all: true }, old)
    expect(answer).toMatchObject({ status: 422, isAsked: false, body: { code: 'not_supported' } })
    expect(Problem.parse(answer.body)).toMatchObject({ hint: expect.stringContaining('jobsctl 0.3.0') })
    const stats = await ask(pgBoss, 'GET', '/api/v1/jobs/stats', undefined, old)
    expect(codeOf(stats.body)).not.toBe('not_supported')
  })

  it('is served over own jobs', async () => {
    const answer = await ask(ownAbilities, 'POST', '/api/v1/jobs/batch/retry', { all: true }, old)
    expect(codeOf(answer.body)).not.toBe('not_supported')
  })
})

describe('GET /engine', () => {
  it('says what the engine can, and details to those who govern', async () => {
    const may: ReadonlySet<Right> = new Set(['read'])
    const scope = { queues: [], job_types: [], cascade: false }
    const callers = {
      key: singleUser,
      viewer: { ...singleUser, may },
      within: { ...singleUser, may, within: { ...scope, domains: ['pgboss'] } },
      without: { ...singleUser, may, within: { ...scope, domains: ['other'] } },
    }
    const server = await serveEngine(pgBoss, callers)
    const shown = async (key: string) =>
      (await server.send('GET', '/api/v1/engine', undefined, { 'x-api-key': key })).body
    const engine = { engine: 'pg-boss', schema: 'pgboss', mode: 'admin', changes: true }
    const tested = { reads: { lowest: 24, highest: 46 }, writes: { lowest: 37, highest: 46 } }
    const pause = expect.stringMatching(/^pg-boss cannot pause a queue: stop the workers/)
    const verbs = expect.objectContaining({ stats: true, retry: true, pause })
    expect(await shown('key')).toEqual({
      engines: [{ ...engine, verbs, version: '12.38 (schema 46)', tested, lacks: [] }],
    })
    expect(await shown('viewer')).toEqual({ engines: [{ ...engine, verbs }] })
    expect(await shown('within')).toEqual({ engines: [{ ...engine, verbs }] })
    expect(await shown('without')).toEqual({ engines: [] })
    server.stop()
  })
})
