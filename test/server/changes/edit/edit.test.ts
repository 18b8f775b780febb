import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import { each } from '../../../support/differences.ts'
import { changeBy, filteredPaths, operationOf, undoOf } from '../../../support/filtered.ts'
import { openWorld, type World } from '../../../support/world.ts'

const path = filteredPaths.edit
const domain = 'chatbooks'
/** A value to set, whose path has `count` names within the payload. */
const namesOf = (count: number) => [{ path: ['payload', ...Array.from({ length: count }, () => 'a')], value: 1 }]
const states = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined']

/** A change that searches a refused job again as if another transaction had locked it fails by the limit of its test. */
const longLockTimeout = { JOBS_LOCK_TIMEOUT_SECONDS: '3600' }

describe.each(kinds)('an edit of jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_MAX_JSON_BYTES: '2000', ...longLockTimeout })
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const edit = (body: object) => changeBy(world, path, { domain, ...body })
  const preview = async (body: object) => (await world.post(path, { domain, dry_run: true, ...body })).body
  /** The payloads of all jobs as PostgreSQL writes them. */
  const payloads = async () =>
    (await world.sql<{ text: string | null }[]>`select payload::text as text from jobs order by id`).map(
      ({ text }) => text,
    )
  const insert = (payload: string, more: object = {}) =>
    world.jobs(1, { status: 'queued', ...more }).then(async ([id = 0]) => {
      await world.sql`update jobs set payload = ${payload}::text::jsonb where id = ${id}::bigint`
      return id
    })

  it.each([path, '/api/v1/jobs/policy/simulate'])(
    '%s takes no field twice, of which the last would count',
    async (at) => {
      const twice = `{"domain": "nobody", "domain": "${domain}", "set": [{"path": "max_retries", "value": 7}]}`
      expect(await world.call('POST', at, twice, { 'x-confirm': 'true' })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'domain', message: 'is given more than once' }] },
      })
    },
  )

  it('sets and unsets what it names, and an undo gives every digit back', async () => {
    const payload =
      '{"big": 12345678901234567890, "url": "old", "debug": true, "rate": 1.50, "deep": {"a.b": [1, {"x": 2}]}}'
    await insert(payload)
    const before = await payloads()
    const { status, body } = await edit({
      set: [
        { path: 'payload.url', value: 'https://new' },
        { path: ['payload', 'deep', 'a.b', '1', 'x'], json: '98765432109876543210.50' },
        { path: 'payload.made.on.the.way', value: [null] },
        { path: 'max_retries', value: 7 },
      ],
      unset: ['payload.debug', 'payload.was.never.there', 'owner_user_id'],
    })
    expect(status).toBe(200)
    expect(await payloads()).toEqual([
      '{"big": 12345678901234567890, "url": "https://new", "deep": {"a.b": [1, {"x": 98765432109876543210.50}]}, "made": {"on": {"the": {"way": [null]}}}, "rate": 1.50}',
    ])
    expect(body).toMatchObject({ affected: 1 })
    expect((await undoOf(world, operationOf(body))).body).toMatchObject({ affected: 1 })
    expect(await payloads()).toEqual(before)
  })

  it('changes a payload of the type json by its text: every byte that it does not name stays, and an undo gives them back', async () => {
    const payload = '{"b":1,  "a":1.0,\n "\\u0063" : {"x": [1e2 ,2]}, "a":2 }'
    const [id = 0] = [await insert('{}')]
    await world.sql`alter table jobs alter column payload type json using payload::text::json`
    try {
      await world.sql`update jobs set payload = ${payload}::text::json`
      const set = [
        { path: 'payload.b', json: '12345678901234567890.10' },
        { path: 'payload.c.x.1', value: [] },
        { path: 'payload.d.e', value: 'f' },
      ]
      expect(await preview({ set })).toMatchObject({
        affected: 1,
        left_out: { lack_path: 1, other_type: 1 },
        examples: [{ differences: [{ path: 'payload.b', before: 1 }, { before: 2, after: [] }, { after: 'f' }] }],
      })
      const asked = { set, unset: ['payload.c.x.7', 'payload.none'], if: [{ path: 'payload.c.x.0', value: 100 }] }
      const { body } = await edit(asked)
      expect(body).toMatchObject({ affected: 1 })
      const edited = '{"b":12345678901234567890.10,  "a":1.0,\n "\\u0063" : {"x": [1e2 ,[]]}, "a":2,"d":{"e":"f"} }'
      expect(await payloads()).toEqual([edited])
      expect(await edit(asked)).toMatchObject({ body: { affected: 0 } })
      expect((await undoOf(world, operationOf(body))).body).toMatchObject({ affected: 1 })
      expect(await payloads()).toEqual([payload])
      expect(await preview({ unset: ['payload.a'] })).toMatchObject({
        affected: 0,
        refused: [{ job_id: id, reason: 'a name of payload.a stands twice in its object' }],
      })
    } finally {
      await world.sql`alter table jobs alter column payload type jsonb using payload::text::jsonb`
    }
  })

  it.each([
    ['{"u":{"url":12},"url" : 1}', '{"u":{"url":12},"url" : "n"}', '{"u":{"url":12}}'],
    ['{"x\\"url":1, "url" : 1 }', '{"x\\"url":1, "url" : "n" }', '{"x\\"url":1 }'],
    ['{"x,\\"url":1, "url":1 , "b":3}', '{"x,\\"url":1, "url":"n" , "b":3}', '{"x,\\"url":1, "b":3}'],
    ['{"in":{"url":1},"url":1}', '{"in":{"url":1},"url":"n"}', '{"in":{"url":1}}'],
    ['{"t":"\\"url\\":1,","\\u0075rl":1}', '{"t":"\\"url\\":1,","\\u0075rl":"n"}', '{"t":"\\"url\\":1,"}'],
    ['{"s":{"a":{"url":1},"a":2},"url"\n:1}', '{"s":{"a":{"url":1},"a":2},"url"\n:"n"}', '{"s":{"a":{"url":1},"a":2}}'],
    [' {"a":{"url":1}}\n', ' {"a":{"url":1},"url":"n"}\n', undefined],
    ['{ }', '{"url":"n" }', undefined],
    ['{ "url": 1 }', '{ "url": "n" }', '{  }'],
    ['{"url":1\t,\n"b":3}', '{"url":"n"\t,\n"b":3}', '{"b":3}'],
    ['{"url": [1, {"url": 2}] , "b":3}', '{"url": "n" , "b":3}', '{"b":3}'],
  ])(
    'edits the value of the type json that is named, and no other that looks like it: %s',
    async (payload, edited, without) => {
      await insert('{}')
      await world.sql`alter table jobs alter column payload type json using payload::text::json`
      try {
        await world.sql`update jobs set payload = ${payload}::text::json`
        const { body } = await edit({ set: [{ path: 'payload.url', value: 'n' }] })
        expect(body).toMatchObject({ affected: 1 })
        expect(await payloads()).toEqual([edited])
        await undoOf(world, operationOf(body))
        const taken = await edit({ unset: ['payload.url'] })
        expect(taken.body).toMatchObject({ affected: without === undefined ? 0 : 1 })
        expect(await payloads()).toEqual([without ?? payload])
      } finally {
        await world.sql`delete from jobs`
        await world.sql`alter table jobs alter column payload type jsonb using payload::text::jsonb`
      }
    },
  )

  it.each(['{"a": "\\u0000"}', '{"a": "\\ud83d"}', '{"a": 1e999999}', `${'['.repeat(600)}${']'.repeat(600)}`])(
    'leaves a payload of the type json that jsonb cannot keep, by name: %.20s',
    async (payload) => {
      await insert('{}')
      await world.sql`alter table jobs alter column payload type json using payload::text::json`
      try {
        await world.sql`update jobs set payload = ${payload}::text::json`
        for (const body of [{ set: [{ path: 'payload.b', value: 1 }] }, { unset: ['payload.a'] }])
          expect(await preview(body)).toMatchObject({
            affected: 0,
            refused: [{ reason: 'its payload is no JSON that jsonb can keep' }],
          })
      } finally {
        await world.sql`delete from jobs`
        await world.sql`alter table jobs alter column payload type jsonb using payload::text::jsonb`
      }
    },
  )

  it('takes queued jobs alone, and with next: retry runs failed and quarantined ones again', async () => {
    const ids: Record<string, number> = {}
    for (const status of states)
      [ids[status] = 0] = await world.jobs(1, { status, payload: { url: 'old' }, retry_count: 2 })
    const set = [{ path: 'payload.url', value: 'new' }]
    expect(await preview({ set })).toMatchObject({
      affected: 1,
      left_out: { already_so: 0, not_as_asked: 0, running: 1, failed: 2, ended: 2, lack_path: 0, other_type: 0 },
    })
    expect((await edit({ set })).ids).toEqual([ids.queued])
    const again = await edit({ set, next: 'retry' })
    expect(again.ids).toEqual([ids.failed, ids.quarantined])
    expect(again.changed[ids.failed ?? 0]).toMatchObject({ status: 'queued', payload: { url: 'new' }, retry_count: 0 })
    await undoOf(world, operationOf(again.body))
    expect((await world.rows()).map(({ status }) => status)).toEqual(states)
    const [, , , failed] = await world.rows()
    expect(failed).toMatchObject({ payload: { url: 'old' }, retry_count: 2 })
  })

  it('leaves queued jobs as they are but for the edit, where it also retries', async () => {
    const at = '2030-01-01T00:00:00Z'
    const [id = 0] = await world.jobs(1, { status: 'queued', payload: {}, retry_count: 2, available_at: at })
    const { changed } = await edit({ set: [{ path: 'payload.x', value: 1 }], next: 'retry' })
    expect(changed).toEqual({ [id]: { payload: { x: 1 } } })
  })

  it('shows what would change in three jobs, masked, and counts what lacks the path or has another type', async () => {
    for (const payload of ['{"n": 1, "token": "t0p"}', '{"n": "1"}', '{}', '{"n": 2, "token": "n"}', '{"n": 3}'])
      await insert(payload)
    const body = await preview({
      set: [
        { path: 'payload.n', value: 3 },
        { path: 'payload.token', value: 'n' },
      ],
    })
    expect(body).toMatchObject({
      affected: 5,
      left_out: { lack_path: 3, other_type: 1 },
      examples: [
        {
          differences: [
            { path: 'payload.n', before: 1, after: 3 },
            { path: 'payload.token', before: '[redacted]', after: '[redacted]' },
          ],
        },
        {
          differences: [
            { before: '1', after: 3 },
            { path: 'payload.token', after: '[redacted]' },
          ],
        },
        { differences: [{ path: 'payload.n', after: 3 }, {}] },
      ],
    })
    expect(JSON.stringify(body)).not.toContain('t0p')
    await edit({ set: [{ path: 'payload.n', value: 3 }] })
    expect(await preview({ set: [{ path: 'payload.n', value: 3 }] })).toMatchObject({
      affected: 0,
      left_out: { already_so: 5 },
    })
  })

  it('takes the jobs that have the values of if, and sets other digits of a number', async () => {
    for (const n of ['1.0', '2']) await insert(`{"n": ${n}}`)
    const set = [{ path: 'payload.n', json: '1.00' }]
    expect((await edit({ set, if: [{ path: 'payload.n', value: 1 }] })).body).toMatchObject({ affected: 1 })
    expect(await payloads()).toEqual(['{"n": 1.00}', '{"n": 2}'])
    expect(await preview({ set, if: [{ path: 'payload.m', value: 0 }] })).toMatchObject({
      affected: 0,
      left_out: { not_as_asked: 2 },
    })
    expect(await preview({ set, if: [{ path: 'priority', value: 4 }] })).toMatchObject({ affected: 0 })
    expect(await preview({ set, if: [{ path: 'priority', value: 5 }] })).toMatchObject({ affected: 1 })
    expect(await preview({ set, if: [{ path: 'owner_user_id', value: null }] })).toMatchObject({ affected: 1 })
  })

  it('refuses jobs that cannot be edited so, by name, and changes the others', async () => {
    const long = JSON.stringify({ url: 'x'.repeat(1500) })
    const odd = [
      ['{"_encrypted": {"_enc": "aesgcm:v1"}}', 'its payload is encrypted'],
      ['{"a": "text"}', 'payload.a.b would be set in a string'],
      ['{"a": [1]}', 'payload.a.b would be set in an array'],
      ['{"a": null}', 'payload.a.b would be set in null'],
      ['[1]', 'payload.a.b would be set in an array'],
      [long, 'its payload would be larger than 2,000 bytes'],
    ]
    const ids: number[] = []
    for (const [payload = ''] of odd) ids.push(await insert(payload))
    const fine = await insert('{"a": {"c": 1}}')
    const { body, ids: changed } = await edit({ set: [{ path: 'payload.a.b', value: 'y'.repeat(600) }] })
    expect(changed).toEqual([fine])
    expect(body).toMatchObject({
      affected: 1,
      refused_count: odd.length,
      refused: odd.map(([, reason], nth) => ({ job_id: ids[nth], reason })),
    })
  })

  it.each([
    ['payload.list.7', 'payload.list.7 would be set in an array'],
    ['payload.list.-1', 'payload.list.-1 would be set in an array'],
  ])('sets items of a list that are there: not %s', async (item, reason) => {
    await insert('{"list": [1, 2]}')
    expect(await preview({ set: [{ path: item, value: 3 }] })).toMatchObject({ affected: 0, refused: [{ reason }] })
    expect(await preview({ set: [{ path: 'payload.list.1', value: 3 }] })).toMatchObject({ affected: 1 })
    expect(await preview({ unset: ['payload.list.1'] })).toMatchObject({
      refused: [{ reason: 'payload.list.1 would be taken out of an array' }],
    })
  })

  it('makes the objects of a path of 200 names and takes the names as they are', async () => {
    await insert('{"a": {"2": {"x\\"": 1}}}')
    const names = ['a', '2', 'x"y', ...Array.from({ length: 197 }, (_, nth) => `n${nth % 7}`)]
    expect((await edit({ set: [{ path: ['payload', ...names], value: 1 }] })).body).toMatchObject({ affected: 1 })
    const [row] = await world.sql`
      select payload #> ${names} as value, payload #> '{a,2,"x\\""}'::text[] as beside from jobs`
    expect(row).toEqual({ value: 1, beside: 1 })
  })

  it('leaves a job whose idempotency key is taken in the new type, and changes the others', async () => {
    await world.jobs(1, { status: 'completed', job_type: 'new', idempotency_key: 'k' })
    const [taken = 0] = await world.jobs(1, { status: 'queued', job_type: 'old', idempotency_key: 'k' })
    const free = await world.jobs(2, { status: 'queued', job_type: 'old' })
    const { body, changed } = await edit({ set: [{ path: 'job_type', value: 'new' }] })
    expect(changed).toEqual(each(free, { job_type: 'new' }))
    expect(body).toMatchObject({
      affected: 2,
      refused_count: 1,
      refused: [{ job_id: taken, reason: 'another job has its place in the queue' }],
    })
  })

  it('names what a trigger says of a new type, and not that the place is taken', async () => {
    const { sql } = world
    await sql`
      create function refuse_barred() returns trigger language plpgsql as
      'begin if new.job_type = ''barred'' and new.priority = 9 then raise check_violation using message = ''barred by the application''; end if; return new; end'`
    await sql`create trigger app_barred before update on jobs for each row execute function refuse_barred()`
    try {
      const [kept = 0] = await world.jobs(1, { status: 'queued', job_type: 'old', priority: 9 })
      await world.jobs(1, { status: 'queued', job_type: 'old', priority: 1 })
      const { body } = await edit({ set: [{ path: 'job_type', value: 'barred' }] })
      expect(body).toMatchObject({
        affected: 1,
        refused: [{ job_id: kept, reason: 'the database rejects it: barred by the application' }],
      })
    } finally {
      await sql`drop trigger app_barred on jobs`
      await sql`drop function refuse_barred()`
    }
  })

  it('has paths, types and lengths on record, and no value in records and events', async () => {
    await insert('{"url": "s3cret-before"}')
    const { body } = await edit({
      set: [{ path: 'payload.url', value: 's3cret-after' }],
      if: [{ path: 'payload.url', value: 's3cret-before' }],
    })
    const operation = (await world.call('GET', `/api/v1/jobs/operations/${operationOf(body)}`)).body
    expect(operation).toMatchObject({
      kind: 'edit',
      filters: {
        set: [{ path: 'payload.url', type: 'string', length: 14 }],
        if: [{ path: 'payload.url', type: 'string', length: 15 }],
      },
    })
    const [{ records }] = await world.sql<[{ records: string }]>`
      select (select jsonb_agg(o)::text from job_operations o) || (select jsonb_agg(e)::text from job_events e) as records`
    expect(records).not.toContain('s3cret')
    expect(records).toContain('"job.edited"')
  })

  it('is not undone for a job that somebody has edited since', async () => {
    const [one, other] = [await insert('{"n": 1}'), await insert('{"n": 1}')]
    const { body } = await edit({ set: [{ path: 'payload.n', value: 2 }] })
    await edit({ set: [{ path: 'payload.m', value: 2 }], ids: [one], domain: undefined })
    const undone = await undoOf(world, operationOf(body))
    expect(undone.body).toMatchObject({ affected: 1 })
    expect(await payloads()).toEqual(['{"m": 2, "n": 2}', '{"n": 1}'])
    expect(other).toBeGreaterThan(one)
  })

  it.each([
    [{}, 'set'],
    [{ set: [{ path: 'payload', value: {} }] }, 'set.0.path'],
    [{ set: [{ path: 'payload..a', value: 1 }] }, 'set.0.path'],
    [{ set: [{ path: 'status', value: 'queued' }] }, 'set.0.path'],
    [{ set: [{ path: 'priority', value: 11 }] }, 'set.0.value'],
    [{ set: [{ path: 'priority', value: '1' }] }, 'set.0.value'],
    [{ set: [{ path: 'owner_user_id', value: null }] }, 'set.0.value'],
    [{ set: [{ path: 'payload.a' }] }, 'set.0.value'],
    [{ set: [{ path: 'payload.a', value: 1, json: '1' }] }, 'set.0.value'],
    [{ set: [{ path: 'payload.a', json: '{' }] }, 'set.0.json'],
    [{ set: [{ path: 'payload.a', json: '1e999999' }] }, 'set.0.json'],
    [{ set: [{ path: 'payload.a', json: '"\\u0000"' }] }, 'set.0.json'],
    [{ set: [{ path: 'payload.a', json: '[{"b": {"k": 1, "\\u006b": 2}}]' }] }, 'set.0.json'],
    [{ set: [{ path: 'payload.a', value: 'x [redacted] y' }] }, 'set.0.value'],
    [{ set: [{ path: 'payload.a', json: '"[redacted]"' }] }, 'set.0.json'],
    [{ set: [{ path: 'payload.a', value: 1 }], unset: ['payload.a.b'] }, 'set'],
    [{ set: namesOf(150), if: namesOf(51) }, 'set'],
    [{ unset: [namesOf(201)[0]?.path] }, 'set'],
    [{ unset: ['priority'] }, 'unset.0'],
    [{ set: [{ path: 'available_at', value: '2030-01-01T00:00:00Z' }], next: 'retry' }, 'next'],
    [{ set: [{ path: 'payload.a', value: 1 }], spread_seconds: 5 }, 'spread_seconds'],
  ])('refuses %j', async (body, at) => {
    const { status, body: answer } = await world.confirm(path, { domain, ...body })
    expect({ status, answer }).toMatchObject({ status: 422, answer: { errors: [{ path: at }] } })
  })
})
