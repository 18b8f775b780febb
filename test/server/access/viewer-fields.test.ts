import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

/** A number that JavaScript would change, a name that every object of JavaScript inherits, and one that looks secret. */
const payload = `{"customer": {"id": 12345678901234567890, "email": "ann@example.test", "token": "sesame"},
  "format": "pdf", "constructor": 1, "lines": [{"id": 7}], "a.b": 2}`
const fields = 'customer.id, format,customer.token,lines.id,nothing.here,toString'

const typesOf = (rows: readonly { event_type: string }[]) => rows.map(({ event_type }) => event_type)

describe.each(kinds)('what a viewer sees of payloads on %s', (kind) => {
  let world: World
  let viewer: Record<string, string>
  let operator: Record<string, string>
  let veteran: Record<string, string>
  let ofAnn: string
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user', JOBS_VIEWER_FIELDS: fields })
    viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    const token = await makeToken(world.sql, 'ann', 'operator')
    ofAnn = idOf(token)
    operator = bearer(token)
    veteran = bearer(await makeToken(world.sql, 'veteran'))
  })
  afterAll(() => world?.stop())

  const jobWith = async (text: string) => {
    const [id = 0] = await world.jobs(1)
    await world.sql`update jobs set payload = ${text}::text::jsonb where id = ${id}::bigint`
    return id
  }
  const show = async (id: number, as: Record<string, string>, query = '') => {
    const { status, body } = await world.call('GET', `/api/v1/jobs/${id}${query}`, undefined, as)
    expect(status).toBe(200)
    return { body, text: typeof body === 'string' ? body : JSON.stringify(body) }
  }
  const revealed = async (id: number) => [
    ...(await world.sql<{ event_type: string; attrs: { caller: string }; domain: string }[]>`
      select event_type, attrs_json as attrs, domain from job_events where job_id = ${id}::bigint order by id`),
  ]

  it('are the paths of JOBS_VIEWER_FIELDS, with secrets masked, and nothing beside them', async () => {
    const { body, text } = await show(await jobWith(payload), viewer)
    expect(body).toMatchObject({ hidden: expect.arrayContaining(['payload']) })
    expect(Object.keys(Object(body).payload).toSorted()).toEqual(['customer', 'format'])
    expect(Object.keys(Object(body).payload.customer).toSorted()).toEqual(['id', 'token'])
    expect(Object(body).payload).toMatchObject({ format: 'pdf', customer: { token: '[redacted]' } })
    expect(text).not.toMatch(/ann@example|sesame|"a\.b"/)
  })

  it.each(['{}', '[]', '"text"', 'null', '{"customer": 7}', '{"customer": []}'])(
    'are nothing of a payload without them: %s',
    async (text) => {
      expect((await show(await jobWith(text), viewer)).body).toMatchObject({ payload: null })
    },
  )

  it('are what a viewer may filter by, and nothing else', async () => {
    const id = await jobWith('{"format": "docx", "customer": {"email": "e"}}')
    const list = (query: string) => world.call('GET', `/api/v1/jobs/list?${query}`, undefined, viewer)
    const found = await list('payload.format=docx')
    expect(found).toMatchObject({ status: 200, body: [{ id }] })
    for (const query of [
      ...['payload.customer.email=e', 'payload.customer=7', 'payload.forma=x', 'error=x'],
      'payload.format=docx&payload.customer.email=e',
    ])
      expect(await list(query), query).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await list('payload.customer.id.deeper=1')).status).toBe(200)
  })

  it('of a token with a role is masked unless it asks, and then an event says who saw it', async () => {
    const id = await jobWith(payload)
    for (const query of ['', '?redact=true']) expect((await show(id, operator, query)).text).not.toContain('sesame')
    expect(typesOf(await revealed(id))).toEqual([])
    expect((await show(id, operator, '?redact=false')).text).toContain('sesame')
    expect(await revealed(id)).toEqual([{ event_type: 'job.revealed', attrs: { caller: ofAnn }, domain: 'chatbooks' }])
    expect((await show(id, viewer, '?redact=false')).text).toContain('sesame')
    expect(await revealed(id)).toHaveLength(2)
  })

  it('of a token without a role is as it always was, without an event', async () => {
    const id = await jobWith(payload)
    for (const query of ['', '?redact=false']) expect((await show(id, veteran, query)).text).toContain('sesame')
    expect(await revealed(id)).toEqual([])
  })

  it('attachments follow the same rule', async () => {
    const id = await jobWith(payload)
    await world.sql`
      insert into job_attachments (job_id, kind, content_text, url)
      select ${id}::bigint, 'log', 'password=sesame', 'https://files.example/?token=sesame' from generate_series(1, 2)`
    const list = async (as: Record<string, string>, query = '') => {
      const answer = await world.call('GET', `/api/v1/jobs/${id}/attachments?limit=1${query}`, undefined, as)
      expect(answer.status).toBe(200)
      return { text: JSON.stringify(answer.body), link: answer.headers.link ?? '' }
    }
    for (const query of ['', '&redact=true']) expect((await list(operator, query)).text).not.toContain('sesame')
    expect((await list(veteran, '&redact=true')).text).not.toContain('sesame')
    for (const query of ['', '&redact=false']) expect((await list(veteran, query)).text).toContain('sesame')
    expect(await revealed(id)).toEqual([])
    const { text, link } = await list(operator, '&redact=false')
    expect(text.split('sesame')).toHaveLength(3)
    expect(link).toContain('redact=false')
    expect(await revealed(id)).toEqual([{ event_type: 'job.revealed', attrs: { caller: ofAnn }, domain: 'chatbooks' }])
    const refused = await world.call('GET', `/api/v1/jobs/${id}/attachments?redact=false`, undefined, viewer)
    expect([refused.status, typesOf(await revealed(id))]).toEqual([403, ['job.revealed']])
  })

  it('of an archived job leaves the event, too, and an unknown job none', async () => {
    const id = await jobWith(payload)
    expect((await world.confirm('/api/v1/jobs/prune', { domain: 'chatbooks' }, operator)).status).toBe(200)
    expect((await show(id, operator, '?redact=false')).body).toMatchObject({ archived: true })
    expect(typesOf(await revealed(id))).toEqual(['job.revealed'])
    const before = await world.events()
    expect((await world.call('GET', '/api/v1/jobs/987654321?redact=false', undefined, operator)).status).toBe(404)
    expect(await world.events()).toEqual(before)
  })
})
