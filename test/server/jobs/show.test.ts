import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { columns } from '../../support/database/job-row.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('one job on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const show = (id: number | string, query = '') => world.call('GET', `/api/v1/jobs/${id}${query}`)
  const textOf = async (id: number, query = '') => {
    const { body } = await request(`${world.url}/api/v1/jobs/${id}${query}`, { headers: { 'x-api-key': world.key } })
    return body.text()
  }

  it('has every column, those of other programs included, and neither lease nor completion token', async () => {
    await world.sql`alter table jobs add column if not exists theirs text default 'own'`
    const [id = 0] = await world.jobs(1, { status: 'processing', lease_id: 'the-lease', completion_token: 'the-token' })
    await world.sql`update jobs set created_at = '2026-01-02 03:04:05.123456+00'`
    const { status, body } = await show(id)
    expect(status).toBe(200)
    const job = Object(body)
    expect(Object.keys(job)).toEqual(expect.arrayContaining([...Object.keys(columns), 'theirs']))
    expect(Object.keys(job).slice(0, 9)).toEqual([
      'id',
      'uuid',
      'domain',
      'queue',
      'job_type',
      'status',
      'payload',
      'result',
      'archived',
    ])
    expect(job).toMatchObject({
      ...{ id, archived: false, theirs: 'own', lease_id: null, completion_token: null, worker_id: 'worker-1' },
      created_at: '2026-01-02T03:04:05.123456Z',
      lease_fingerprint: createHash('sha256').update('the-lease').digest('hex').slice(0, 8),
      payload: { name: 'Überblick 📚' },
      dependencies: { depends_on: [], dependents: [] },
    })
    expect(JSON.stringify(body)).not.toMatch(/the-lease|the-token/)
  })

  it('has the cluster of its failure, as the clusters have it, and none where it has not failed', async () => {
    const [failed = 0] = await world.jobs(1, { status: 'failed', error_code: 'smtp', error_message: 'no "mailbox" 7' })
    const [queued = 0] = await world.jobs(1, { status: 'queued' })
    const { body } = await world.call('GET', '/api/v1/jobs/clusters')
    expect(Object((await show(failed)).body).cluster).toBe(Object(body).clusters[0].cluster)
    expect(Object((await show(queued)).body)).not.toHaveProperty('cluster')
  })

  it('has its dependencies both ways, its attachments and its last events', async () => {
    const [id = 0] = await world.jobs(1, { uuid: 'own', status: 'queued' })
    const [needed] = await world.jobs(1, { uuid: 'needed', status: 'processing' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('own', 'needed'), ('waits', 'own')`
    await world.sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', 'a'), (${id}, 'tag', 'b')`
    await world.sql`
      insert into job_events (job_id, event_type, attrs_json)
      select ${id}::bigint, 'step', jsonb_build_object('n', n) from generate_series(1, 60) as n`
    const { body } = await show(id)
    expect(body).toMatchObject({
      dependencies: {
        depends_on: [{ uuid: 'needed', id: needed, status: 'processing' }],
        dependents: [{ uuid: 'waits', id: null, status: null }],
      },
      attachments: [{ kind: 'log', content_text: 'a', url: null }, { kind: 'tag' }],
    })
    const steps = Object(body).events.map(({ attrs }: { attrs: { n: number } }) => attrs.n)
    expect(steps).toEqual(Array.from({ length: 50 }, (_, n) => n + 11))
  })

  it('has a payload of any depth that the database keeps, which is masked as a whole', async () => {
    const levels = kind === 'postgres' ? 8000 : 600
    const deep = `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`
    const [id = 0] = await world.jobs(1, { status: 'queued' })
    await world.sql`update jobs set payload = ${deep}::text::jsonb`
    const shown = await textOf(id)
    expect(shown.replaceAll(' ', '')).toContain(`"payload":${deep}`)
    expect((await show(id, '?redact=true')).body).toMatchObject({ id, payload: '[redacted]' })
    const { status } = await world.call('POST', jobPaths.acquire, {
      ...{ domain: 'chatbooks', queue: 'default', worker_id: 'w' },
    })
    expect(status).toBe(200)
  })

  it('has a deep payload whose texts have brackets that are no levels', async () => {
    const levels = kind === 'postgres' ? 9000 : 600
    const deep = `{"a": "${'}'.repeat(levels)}", "b": ${'['.repeat(levels)}${']'.repeat(levels)}}`
    const [id = 0] = await world.jobs(1, { status: 'queued' })
    await world.sql`update jobs set payload = ${deep}::text::jsonb`
    expect(await textOf(id)).toContain(deep)
    expect((await show(id, '?redact=true')).body).toMatchObject({ id, payload: '[redacted]' })
    expect((await world.call('GET', '/api/v1/jobs/list?domain=chatbooks')).status).toBe(200)
    const asking = { domain: 'chatbooks', queue: 'default', worker_id: 'w' }
    expect((await world.call('POST', jobPaths.acquire, asking)).status).toBe(200)
  })

  it('has a text of many brackets, which is no depth', async () => {
    const text = '{'.repeat(1000)
    const [id = 0] = await world.jobs(1)
    await world.sql`update jobs set payload = ${JSON.stringify({ text, password: 's3cret' })}::text::jsonb`
    expect((await show(id, '?redact=true')).body).toMatchObject({ payload: { text, password: '[redacted]' } })
  })

  it('comes from the archive as it was, with what belonged to it', async () => {
    const [id = 0] = await world.jobs(1, { uuid: 'own', result: { ok: true } })
    await world.sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', 'kept')`
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('own', 'needed')`
    const before = Object((await show(id)).body)
    expect((await world.confirm(paths.prune, {})).status).toBe(200)
    const { status, body } = await show(id)
    expect(status).toBe(200)
    const { archived_at, operation_id, ...after } = Object(body)
    expect(after).toEqual({ ...before, archived: true })
    expect([archived_at, operation_id]).toEqual([expect.any(String), expect.any(Number)])
  })

  it('has the states of jobs that are only in the archive', async () => {
    const [id = 0] = await world.jobs(1, { uuid: 'own', status: 'queued' })
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status)
      values (7, 'needed', 'd', 'q', 't', 'failed'), (9, 'needed', 'd', 'q', 't', 'completed'), (null, 'waits', 'd', 'q', 't', 'x')`
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('own', 'needed'), ('own', 'lost'), ('waits', 'own')`
    expect((await show(id)).body).toMatchObject({
      dependencies: {
        depends_on: [
          { uuid: 'lost', id: null, status: null, archived: false },
          { uuid: 'needed', id: 9, status: 'completed', archived: true },
        ],
        dependents: [{ uuid: 'waits', id: null, status: null, archived: false }],
      },
    })
    expect((await show(id, '?domain=nowhere')).status).toBe(404)
  })

  it('has the compressed values of an archived job unpacked, digit by digit, and null where they are damaged', async () => {
    const packed = gzipSync('{"n": 9007199254740993}')
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, payload_compressed, result_compressed)
      values (7, 'u', 'd', 'q', 't', 'completed', decode(${packed.toString('hex')}::text, 'hex'), '\\xff00')`
    const text = await textOf(7)
    expect(text).toContain('"payload":{"n": 9007199254740993}')
    expect(text).toContain('"result":null,"archived":true')
    expect(text).not.toContain('_compressed')
  })

  const secrets =
    '{"user": "u", "api-key": "s3cret", "deep": [{"DB_Password": {"a": "s3cret"}, "n": 12345678901234567890, "note": "token=s3cret x"}]}'

  it('keeps the digits of payload and result', async () => {
    const [id = 0] = await world.jobs(1)
    await world.sql`update jobs set payload = ${secrets}::text::jsonb, result = '[1e400, 0.1000]'`
    const text = await textOf(id)
    expect(text).toContain('12345678901234567890')
    expect(text).toContain(`"result":[1${'0'.repeat(400)}, 0.1000]`)
    expect(text).toContain('s3cret')
  })

  it('masks values that look secret when requested, and leaves the rest as it is', async () => {
    const [id = 0] = await world.jobs(1, {
      error_message:
        'login at postgres://u:s3cret@db/x failed, password: "s3cret", Authorization: Bearer s3cret-s3cret',
      error_stack: { headers: { cookie: 's3cret' } },
      progress_message: 'secret=s3cret',
    })
    await world.sql`update jobs set payload = ${secrets}::text::jsonb`
    await world.sql`
      insert into job_attachments (job_id, kind, content_text, url)
      values (${id}, 'log', '{"access_key":"s3cret"}', 'https://h/?token=s3cret&a=1')`
    await world.sql`insert into job_events (job_id, event_type, attrs_json) values (${id}, 'e', '{"credentials": ["s3cret"]}')`
    const text = await textOf(id, '?redact=true')
    expect(text).not.toContain('s3cret')
    expect(JSON.parse(text)).toMatchObject({
      payload: {
        user: 'u',
        'api-key': '[redacted]',
        deep: [{ DB_Password: '[redacted]', note: 'token=[redacted] x' }],
      },
      attachments: [{ url: 'https://h/?token=[redacted]&a=1' }],
      worker_id: 'worker-1',
    })
    expect(text).toContain('"n":12345678901234567890')
    expect(await textOf(id, '?redact=false')).toContain('s3cret')
  })

  it('is not found by an unknown id, nor in another domain; other ids are refused', async () => {
    const [id = 0] = await world.jobs(1)
    expect((await show(id, '?domain=chatbooks')).status).toBe(200)
    const notFound = { status: 404, body: { code: 'not_found' } }
    expect(await show(id, '?domain=other')).toMatchObject(notFound)
    expect(await show(id + 1)).toMatchObject(notFound)
    for (const other of ['0', '-1', 'x', '9007199254740993', `${id}?reveal=true`])
      expect((await show(other)).status).toBe(422)
  })
})

describe('the names of JOBS_REDACT_KEYS', () => {
  it('replace those of the default', async () => {
    const world = await openWorld('postgres', { JOBS_REDACT_KEYS: 'Iban, id, events' })
    try {
      const [id] = await world.jobs(1, { payload: { IBAN: 'x', password: 'y' } })
      const { status, body } = await world.call('GET', `/api/v1/jobs/${id}?redact=true`)
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { id, payload: { IBAN: '[redacted]', password: 'y' } },
      })
    } finally {
      await world.stop()
    }
  })
})
