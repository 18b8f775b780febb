import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { everyRead } from '../../support/replay/reads.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Stands in every value that a viewer may not see. */
const secret = 'sesame-7f3a'

/** Rows with the secret wherever a job, an event or a record can have it. The ids of the jobs are 1 to 6, and 900 in the archive. */
const rows = `
  alter table jobs add column if not exists own_column text;
  insert into jobs (uuid, domain, queue, job_type, status, payload, result, error_stack, failure_timeline, worker_id, lease_id,
    leased_until, error_message, last_error, error_code, completed_at, quarantined_at, retry_count, progress_message,
    completion_token, own_column)
  select 'uuid-' || status, 'd', 'default', 't', status, '{"a": "${secret}"}', '"${secret}"', '["${secret}"]', '["${secret}"]', 'w',
    '${secret}', case status when 'processing' then now() + interval '1 hour' end, 'it broke at "${secret}"',
    'it broke at "${secret}"', 'timeout', case when status in ('completed', 'failed') then now() end,
    case status when 'quarantined' then now() end, 1, '${secret}', '${secret}', '${secret}'
  from unnest(array['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined']) as status;
  insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
  select id, 'd', 'default', 't', 'job.of_another_program',
    '{"payload": "${secret}", "reason": "${secret}", "caller": {"deep": "${secret}"}, "worker_id": "w"}'
  from jobs;
  insert into job_attachments (job_id, kind, content_text, url) select id, 'log', '${secret}', 'https://a/${secret}' from jobs;
  insert into jobs_archive (id, uuid, domain, queue, job_type, status, payload, error_message, last_error)
  values (900, 'gone', 'd', 'default', 't', 'failed', '{"a": "${secret}"}', 'it broke at "${secret}"', '${secret}/${secret}/${secret}')`

describe.each(kinds)('a caller without the right to see payloads on %s', (kind) => {
  let world: World
  let viewer: Record<string, string>
  let operator: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    operator = bearer(await makeToken(world.sql, 'ann', 'operator'))
    await world.sql.unsafe(rows)
    const filter = { domain: 'd', priority: 3, payload: [{ path: 'a', value: secret }], error: secret }
    expect((await world.confirm('/api/v1/jobs/batch/priority', filter, operator)).status).toBe(200)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const hold = { domain: 'd', 'payload.a': secret, error: secret, until }
    expect((await world.post('/api/v1/jobs/holds', hold, { ...operator, 'x-reason': 'r' })).status).toBe(201)
  })
  afterAll(() => world?.stop())

  const read = async (path: string, as: Record<string, string>) => {
    const { status, headers, body } = await world.call('GET', path, undefined, as)
    return { status, text: `${JSON.stringify(headers)}${JSON.stringify(body)}` }
  }

  it('never gets what is hidden, from any read', async () => {
    const reads = [
      ...everyRead(),
      '/api/v1/jobs/3',
      '/api/v1/jobs/4',
      '/api/v1/jobs/4/explain',
      '/api/v1/jobs/6/explain',
      '/api/v1/jobs/list?errors=true',
      '/api/v1/jobs/list?errors=true&sort_by=status',
    ]
    let answered = 0
    for (const path of new Set(reads)) {
      const { status, text } = await read(path, viewer)
      expect({ path, found: text.includes(secret) }).toEqual({ path, found: false })
      if (status === 200) answered += 1
    }
    expect(answered).toBeGreaterThan(40)
  })

  it('would have found it: an operator gets it from these reads', async () => {
    const found: string[] = []
    for (const path of new Set(everyRead())) if ((await read(path, operator)).text.includes(secret)) found.push(path)
    expect(found).toEqual(
      expect.arrayContaining([
        ...['/api/v1/jobs/1', '/api/v1/jobs/900', '/api/v1/jobs/1/attachments', '/api/v1/jobs/events'],
        ...['/api/v1/jobs/operations', '/api/v1/jobs/holds'],
      ]),
    )
  })

  it('gets error messages as clusters have them, and the names of what is hidden', async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/4', undefined, viewer)
    expect(body).toMatchObject({
      ...{ error_message: 'it broke at <text>', last_error: 'it broke at <text>', error_code: 'timeout' },
      ...{ payload: null, result: null, own_column: null },
      hidden: expect.arrayContaining(['payload', 'result', 'error_message', 'error_stack', 'own_column']),
      events: [{ attrs: { worker_id: 'w' } }, ...Array.from({ length: 0 })],
    })
    const errors = async (as: Record<string, string>) =>
      (await world.call('GET', '/api/v1/jobs/list?errors=true&ids=4', undefined, as)).body
    expect(await errors(viewer)).toMatchObject([{ id: 4, error_message: 'it broke at <text>' }])
    expect(await errors(operator)).toMatchObject([{ id: 4, error_message: `it broke at "${secret}"` }])
  })

  it('sees that a hold looks for what is hidden, so that it does not seem to be over more', async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/holds', undefined, viewer)
    expect(body).toMatchObject([{ filter: { domain: 'd', payload: null, error: null } }])
  })

  it.each(['payload.a=x', 'error=x', 'payload.a=x&sort_by=status'])('is refused a filter on it: %s', async (query) => {
    const { status, body } = await world.call('GET', `/api/v1/jobs/list?${query}`, undefined, viewer)
    expect({ status, body }).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await world.call('GET', `/api/v1/jobs/list?${query}`, undefined, operator)).status).toBe(200)
  })

  it('gets events without it from the stream', async () => {
    const controller = new AbortController()
    const response = await fetch(`${world.url}/api/v1/jobs/events/stream`, {
      headers: { authorization: viewer.authorization ?? '' },
      signal: controller.signal,
    })
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.includes('job.of_another_program') && text.split('event: job').length > 6) break
    }
    controller.abort()
    expect(text).toContain('"worker_id":"w"')
    expect(text).not.toContain(secret)
  })

  it('gets no job of another caller by its idempotency key', async () => {
    const producer = bearer(await makeToken(world.sql, 'web', 'producer'))
    const job = { domain: 'keyed', job_type: 't', payload: { a: secret }, idempotency_key: 'k' }
    await world.post('/api/v1/jobs', job, operator)
    const { status, body } = await world.post('/api/v1/jobs', { ...job, payload: {} }, producer)
    expect({ status, body }).toMatchObject({ status: 200, body: { created: false, payload: null, status: 'queued' } })
    const many = await world.post('/api/v1/jobs/batch', { jobs: [{ ...job, payload: {} }] }, producer)
    expect(JSON.stringify([body, many.body])).not.toContain(secret)
  })

  it('is told at the command line what is hidden, and gets no null for a payload', async () => {
    const env = { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: (viewer.authorization ?? '').replace('Bearer ', '') }
    const run = (...argv: string[]) => world.jobsctl(argv, { env })
    expect(await run('show', '4', '--payload')).toMatchObject({
      code: 4,
      out: '',
      err: expect.stringContaining('"payloads"'),
    })
    const doctor = await run('doctor')
    expect(doctor).toMatchObject({ code: 0 })
    expect(doctor.out).toMatch(/^caller\tok\twall \(viewer\) has the rights: identity, read, records\t/m)
    expect(doctor.out).toMatch(/^bounds\twarning\tnot checked: the token wall .+ lacks the right "change"/m)
  })
})
