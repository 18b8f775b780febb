import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ago } from '../../../support/database/job-row.ts'
import { envOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

describe('show', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  const screenOf = async (id: number | undefined, columns = 100) => {
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const { code, screen } = await atTerminal(['show', String(id)], { env, columns })
    expect(code).toBe(0)
    return screen
  }

  it('fits one screen: state and reason, times, who, error, history, folded values, neighbours, and what can be done', async () => {
    const timeline = [1, 2, 3, 4, 5].map((n) => ({ ts: ago(3600 * n), error_code: `e${n}`, retry_backoff: 2 ** n }))
    const [id = 0] = await world.jobs(1, {
      ...{ uuid: 'own', status: 'quarantined', owner_user_id: 'o-7', lease_id: 'l-1', worker_id: 'pod-\u001b[2J17' },
      ...{ error_code: 'timeout', error_message: 'no answer\u001b[31m', failure_timeline: timeline, max_retries: 4 },
      ...{ payload: { key: 'v'.repeat(200), api_key: 's3cret' }, result: null, created_at: ago(7200) },
      ...{ quarantined_at: ago(3600), available_at: ago(-9000) },
    })
    const [needed] = await world.jobs(1, { uuid: 'needed', status: 'completed' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      values ('own', 'needed'), ('a', 'own'), ('b', 'own'), ('c', 'own'), ('d', 'own')`
    await world.sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', ${'line\nnext'})`
    await world.sql`
      insert into job_events (job_id, event_type, attrs_json)
      select ${id}::bigint, 'step.' || n, '{"n": 1, "deep": {}}' from generate_series(1, 9) as n`

    const screen = await screenOf(id)
    const lines = screen.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(30)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
    expect(lines[0]).toBe(`Job ${id} (chatbooks/default export) is quarantined, timeout, 3 times in a row`)
    expect(screen).toMatch(
      /times +created +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}2h ago\n +quarantined .* 1h ago\n +due .* in 2h [123]\dm/,
    )
    const fingerprint = createHash('sha256').update('l-1').digest('hex').slice(0, 8)
    expect(screen).toContain(`worker pod-\\x1b[2J17, lease ${fingerprint}, owner o-7`)
    expect(screen).toMatch(
      /error +timeout: no answer\\x1b\[31m\n +5h ago {2}e5, next try after 32s\n.*\n.*e3.*\n +and 2 failures before/,
    )
    expect(screen).toMatch(/payload +\{"key":"v+…/)
    expect(screen).toMatch(/result +null/)
    expect(screen).toMatch(new RegExp(`waits for +${needed} {2}completed`))
    expect(screen).toMatch(/needed by +a {2}unknown\n.*\n.*\n +and 1 more/)
    expect(screen).toContain('log  line\\x0anext')
    expect(screen).toMatch(
      /events +(just now|\d+[sm] ago) {2}step\.9 {2}n=1\n(.*\n){3} +(just now|\d+[sm] ago) {2}step\.5/,
    )
    expect(screen).toMatch(new RegExp(`what next +jobsctl requeue ${id}\n`))
    expect(screen).not.toContain('s3cret')
  })

  it('says of more neighbours than an answer has that there are more', async () => {
    const [id] = await world.jobs(1, { uuid: 'needed-by-many', status: 'queued' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select 'one-' || n, 'needed-by-many' from generate_series(1, 1005) as n`
    expect(await screenOf(id)).toMatch(/\n +and at least 997 more\n/)
  })

  it('says of each state why the job is in it', async () => {
    const head = async (wanted: object) => {
      const [id] = await world.jobs(1, wanted)
      const { out } = await world.jobsctl(['show', String(id), '-o', 'table'])
      return out.split('\n')[0]?.replace(/^Job \d+ \(chatbooks\/default export\) is /, '')
    }
    expect(await head({ status: 'queued', available_at: ago(-9000) })).toMatch(/^queued, due in 2h [123]\dm$/)
    expect(await head({ status: 'queued', retry_count: 2 })).toBe('queued, retry 2')
    expect(await head({ status: 'processing' })).toMatch(/^processing, by worker-1, until in (1h|[45]\dm( \d+s)?)$/)
    expect(await head({ status: 'processing', leased_until: ago(7200), cancel_requested_at: ago(60) })).toBe(
      'processing, by worker-1, the lease ended 2h ago, asked to end',
    )
    expect(await head({ status: 'processing', leased_until: null, worker_id: null })).toBe(
      'processing, the lease ended',
    )
    expect(await head({ started_at: '2026-01-01T00:00:00Z', completed_at: '2026-01-01T00:01:05Z' })).toBe(
      'completed, in 1m 5s',
    )
    expect(await head({ status: 'failed', retry_count: 3 })).toBe('failed, timeout, after 3 of 3 retries')
    expect(await head({ status: 'cancelled' })).toBe('cancelled, by hand')
  })

  it('prints payload and result alone and whole, digit by digit, and masked unless --raw is given', async () => {
    const [id = 0] = await world.jobs(1)
    await world.sql`
      update jobs
      set payload = '{"n": 12345678901234567890, "password": "s3cret", "note": "\u200b"}', result = '[1.10, 1e400]'
      where id = ${id}`
    const printed = async (...flags: string[]) => (await world.jobsctl(['show', String(id), ...flags])).out
    expect(await printed('--payload')).toBe('{"n":12345678901234567890,"note":"\\u200b","password":"[redacted]"}\n')
    expect(await printed('--payload', '--raw')).toContain('"password":"s3cret"')
    expect(await printed('--result')).toBe(`[1.1,1${'0'.repeat(400)}]\n`)
    expect(await printed('--json')).toContain('"n":12345678901234567890')
    expect(await printed('-o', 'table')).toContain('12345678901234567890')
    expect(await world.jobsctl(['show', String(id), '--payload', '--result'])).toMatchObject({ code: 2, out: '' })
  })

  it('says that it cannot write a payload of very many levels, with the call that shows it', async () => {
    const [id = 0] = await world.jobs(1, { uuid: 'deep' })
    await world.sql`update jobs set payload = ${`${'['.repeat(9000)}${']'.repeat(9000)}`}::text::jsonb where id = ${id}`
    const { code, err } = await world.jobsctl(['show', String(id), '--raw', '--json'])
    expect({ code, error: JSON.parse(err).error }).toMatchObject({
      code: 1,
      error: { detail: expect.stringContaining('more levels'), hint: expect.stringContaining('--curl') },
    })
    expect(await world.jobsctl(['show', String(id)])).toMatchObject({
      code: 0,
      out: expect.stringContaining('[redacted]'),
    })
    await world.sql`delete from jobs where id = ${id}`
  })

  it('is a line for each field in TSV, and the answer of the server with --json', async () => {
    const [id = 0] = await world.jobs(1, { status: 'processing', completion_token: 'c-1', payload: { a: '\t' } })
    await world.sql`update jobs set created_at = '2026-01-02 03:04:05.1+00' where id = ${id}`
    const { code, out, err } = await world.jobsctl(['show', String(id)])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = new Map(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([name = '', value]) => [name, value]),
    )
    expect(rows.get('id')).toBe(String(id))
    expect(rows.get('created_at')).toBe('2026-01-02T03:04:05.100Z')
    expect(rows.get('payload')).toBe('{"a":"\\t"}')
    expect([rows.get('lease_id'), rows.get('completion_token')]).toEqual(['', ''])
    expect(JSON.parse((await world.jobsctl(['show', String(id), '--json'])).out)).toMatchObject({ id, archived: false })
  })

  it('shows an archived job, and how an undo brings it back', async () => {
    const [id = 0] = await world.jobs(1, { domain: 'old' })
    const { body } = await world.confirm(paths.prune, { domain: 'old' })
    const screen = await screenOf(id)
    expect(screen).toMatch(/is completed.* \(in the archive\)\n/)
    expect(screen).toContain(`jobsctl undo ${Object(body).operation_id} --dry-run`)
  })

  it.each([
    ['queued', {}, ['explain', 'cancel']],
    ['processing', {}, ['cancel']],
    ['processing', { leased_until: ago(60) }, ['reclaim']],
    ['quarantined', {}, ['requeue']],
    ['failed', {}, ['retry']],
    ['completed', {}, []],
  ])('of a job that is %s %j names the commands that can follow', async (status, wanted, verbs) => {
    const [id] = await world.jobs(1, { status, ...wanted })
    const { out } = await world.jobsctl(['show', String(id), '-o', 'table'])
    expect([...out.matchAll(/jobsctl .*/g)].map(([line]) => line)).toEqual(verbs.map((verb) => `jobsctl ${verb} ${id}`))
  })

  it('an unknown id is exit 5, also in another domain; what is no id is exit 2', async () => {
    const [id = 0] = await world.jobs(1)
    expect(await world.jobsctl(['show', '999999'])).toMatchObject({
      code: 5,
      out: '',
      err: expect.stringContaining('there is no job 999999'),
    })
    expect(await world.jobsctl(['show', String(id), '--domain', 'other'])).toMatchObject({ code: 5 })
    expect(await world.jobsctl(['show', String(id), '--domain', 'chatbooks'])).toMatchObject({ code: 0 })
    for (const word of ['0', '-1', 'x', '1.5', '9007199254740993', 'chatbooks/default'])
      expect(await world.jobsctl(['show', '--', word])).toMatchObject({ code: 2, out: '' })
    expect(await world.jobsctl(['show', '8123', '--curl'])).toMatchObject({
      out: expect.stringContaining('$BASE/api/v1/jobs/8123?redact=true'),
    })
  })

  it('reads a job of the other server, which masks nothing and shows what proves the lease', async () => {
    const row = {
      ...{ id: 7, uuid: 'u', domain: 'chatbooks', queue: 'q', job_type: 't', status: 'processing', payload: { a: 1 } },
      ...{ result: null, archived: false, lease_id: 'l-1', completion_token: 'c-1', worker_id: 'w', priority: 5 },
      ...{ leased_until: '2026-11-25T18:06:17.463298Z', created_at: '2026-11-25T18:06:17.463298Z' },
    }
    const server = await fakeServer(() => ({ body: row }))
    const { code, out } = await runAt(server, ['show', '7'])
    expect({ code, lease: /^lease_id\t(.*)$/m.exec(out)?.[1] }).toEqual({ code: 0, lease: '' })
    const { screen } = await atTerminal(['show', '7'], { env: envOf(server) })
    expect(screen).toContain('Job 7 (chatbooks/q t) is processing, by w')
    expect(screen).toContain('note: this server masks no values that look secret')
    expect(screen).not.toMatch(/l-1|c-1/)
    const unknown = await fakeServer(() => ({ status: 404, body: { detail: 'Job not found' } }))
    expect(await runAt(unknown, ['show', '7'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('Job not found'),
    })
  })
})
