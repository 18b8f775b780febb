import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { kinds } from '../../support/database/database.ts'
import { idsOf, pageAfter } from '../../support/list.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const notFound = { status: 404, body: { code: 'not_found' } }

describe.each(kinds)('the attachments of a job on %s', (kind) => {
  let world: World
  let job: number
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    ;[job = 0] = await world.jobs(1)
  })

  const path = (id: number | string = job, query = '') => `/api/v1/jobs/${id}/attachments${query}`
  const add = (body: unknown, query = '') => world.post(path(job, query), body)
  const list = (query = '', id = job) => world.call('GET', path(id, query))
  const stored = async () => (await world.sql`select from job_attachments`).count

  it('are added without a confirmation, and come in the order of their ids', async () => {
    const { status, body } = await add({ kind: ' LOG ', content_text: ' a\n\u001b[31mb ' })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { kind: 'log', content_text: ' a\n\u001b[31mb ', url: null },
    })
    expect(Object.keys(Object(body))).toEqual(['id', 'kind', 'content_text', 'url', 'created_at'])
    expect(Object(body).created_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    await add({ kind: 'artifact', url: 'https://files.example/a?b=c#d', content_text: '' })
    await add({ kind: 'tag', content_text: ' ', url: null })
    const listed = await list()
    expect(listed).toMatchObject({
      status: 200,
      body: [
        body,
        { kind: 'artifact', content_text: null, url: 'https://files.example/a?b=c#d' },
        { kind: 'tag', content_text: ' ', url: null },
      ],
    })
    expect(listed.headers.link).toBeUndefined()
  })

  it('need a job that exists, in the domain that the query names', async () => {
    const tag = { kind: 'tag', content_text: 'x' }
    expect(await world.post(path(999), tag)).toMatchObject(notFound)
    expect(await list('', 999)).toMatchObject(notFound)
    expect(await add(tag, '?domain=other')).toMatchObject(notFound)
    expect(await list('?domain=other')).toMatchObject(notFound)
    expect(await stored()).toBe(0)
    expect(await add(tag, '?domain=%20chatbooks')).toMatchObject({ status: 200 })
    expect((await list('?domain=chatbooks')).body).toHaveLength(1)
  })

  it.each([
    [{ kind: 'note', content_text: 'x' }, 'kind'],
    [{ content_text: 'x' }, 'kind'],
    [{ kind: 5, content_text: 'x' }, 'kind'],
    [{ kind: 'tag' }, 'content_text'],
    [{ kind: 'tag', content_text: '', url: ' ' }, 'content_text'],
    [{ kind: 'tag', content_text: 5 }, 'content_text'],
    [{ kind: 'tag', content_text: 'a\0b' }, 'content_text'],
    [{ kind: 'tag', content_text: '\ud800' }, 'content_text'],
    ...[
      'ftp://a/b',
      'javascript:alert(1)',
      '//a/b',
      'file:///etc/passwd',
      'http://',
      'https://a b',
      'http://a/\nb',
      `http://${'a'.repeat(5000)}`,
    ].map((url): [object, string] => [{ kind: 'artifact', url }, 'url']),
    [{ kind: 'tag', content_text: 'x', text: 'y' }, 'text'],
    [{ kind: 'tag', content_text: 'x', id: 1 }, 'id'],
  ])('refuse %o', async (body, field) => {
    expect(await add(body)).toMatchObject({ status: 422, body: { errors: [{ path: field }] } })
    expect(await stored()).toBe(0)
  })

  it('refuse other fields in the query of a POST, and the domain in two places', async () => {
    const tag = { kind: 'tag', content_text: 'x' }
    expect(await add(tag, '?kind=log')).toMatchObject({ status: 422, body: { errors: [{ path: 'kind' }] } })
    expect(await add({ ...tag, domain: 'chatbooks' }, '?domain=chatbooks')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'domain', message: 'is in the URL already' }] },
    })
  })

  it('have a text of at most 1 MiB, however the JSON writes it', async () => {
    const most = 2 ** 20
    expect(await add({ kind: 'log', content_text: 'a'.repeat(most) })).toMatchObject({ status: 200 })
    const escaped = `{"kind": "log", "content_text": "${'\\u00fc'.repeat(most / 2)}"}`
    expect(await add(escaped)).toMatchObject({ status: 200 })
    for (const content_text of ['ü'.repeat(most / 2 + 1), 'a'.repeat(most + 1)])
      expect(await add({ kind: 'log', content_text })).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('content_text must be at most 1048576') },
      })
    expect(await add({ kind: 'log', content_text: 'a'.repeat(8 * most) })).toMatchObject({ status: 413 })
    expect(await stored()).toBe(2)
  })

  async function walk(query: string, id = job): Promise<number[][]> {
    const pages: number[][] = []
    for (let next: URLSearchParams | undefined = new URLSearchParams(query); next; ) {
      const page = await list(`?${next}`, id)
      pages.push(idsOf(page))
      next = pageAfter(page, 'next')
    }
    return pages
  }

  it('come in pages that together have each of them once', async () => {
    await world.sql`
      insert into job_attachments (job_id, kind, content_text)
      select ${job}, 'log', n::text from generate_series(1, 1001) as n`
    await world.sql`insert into job_attachments (job_id, kind) values (${job + 1}, 'log')`
    const pages = await walk('')
    expect(pages.map((page) => page.length)).toEqual([500, 500, 1])
    const all = (await walk('limit=143&domain=chatbooks')).flat()
    expect(all).toEqual(pages.flat())
    expect(new Set(all).size).toBe(1001)
    expect(await walk('limit=1000&after_id=1')).toHaveLength(1)
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after_id=-1', 'after_id=1.5', 'cursor=1'])
      expect((await list(`?${query}`)).status).toBe(422)
  })

  it('fill a page early where their texts are large', async () => {
    await world.sql`
      insert into job_attachments (job_id, kind, content_text)
      select ${job}, 'log', repeat('x', 3000000) from generate_series(1, 4)`
    expect((await walk('')).map((page) => page.length)).toEqual([3, 1])
  })

  it('come from the archive with their job, to which none can be added any more', async () => {
    await add({ kind: 'log', content_text: 'kept' })
    await add({ kind: 'tag', content_text: 'kept, too' })
    const before = (await list()).body
    expect(await world.confirm(paths.prune, {})).toMatchObject({ status: 200, body: { deleted: 1 } })
    expect((await list()).body).toEqual(before)
    expect((await walk('limit=1')).flat()).toEqual(idsOf({ body: before }))
    expect(await add({ kind: 'tag', content_text: 'late' })).toMatchObject(notFound)
  })

  it('are read as other programs have left them', async () => {
    await world.sql`alter table job_attachments alter column kind drop not null`
    await world.sql`
      insert into job_attachments (id, job_id, kind, content_text, url, created_at) values
        (${'9007199254740993'}::text::bigint, ${job}, 'log', 'far', null, now()),
        (7, ${job}, null, null, ${'\u001b]0;x'}, '-infinity')`
    const { status, body } = await list()
    expect(status).toBe(200)
    expect(z.array(z.looseObject({ id: z.number() })).parse(body)).toEqual([
      { id: 7, kind: null, content_text: null, url: '\u001b]0;x', created_at: '-infinity' },
    ])
  })
})
