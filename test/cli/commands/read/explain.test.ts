import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ago } from '../../../support/database/job-row.ts'
import { envOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe('explain', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`
      insert into jobsctl_worker_marks (domain, queue, worker_id, filter) values ('chatbooks', 'default', 'w', '')`
  })

  const stopped = async (): Promise<number> => {
    const [id = 0] = await world.jobs(1, { status: 'queued', available_at: ago(-7230), domain: 'chatbooks' })
    await world.jobsctl(['pause', 'chatbooks/default', '--reason', 'disk \u001b[31mfull'])
    return id
  }

  it('tells every reason of a job with its sentence and the command that removes it, and the place in line', async () => {
    const id = await stopped()
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const { code, screen } = await atTerminal(['explain', String(id), '--url', world.url], { env, columns: 70 })
    expect(code).toBe(0)
    const lines = screen.split('\n')
    for (const line of lines.filter((line) => !line.includes('jobsctl'))) expect(line.length).toBeLessThanOrEqual(70)
    expect(lines[0]).toBe(`Job ${id} (chatbooks/default export) is queued, and not running because:`)
    expect(screen).toMatch(/\n {2}not due yet +available at .* UTC, in (2h|1h 59m.*)\n/)
    expect(screen.replaceAll(/\s+/g, ' ')).toMatch(
      /queue paused chatbooks\/default is paused since .* by single-user \("disk \[31mfull"\)/,
    )
    expect(screen).toMatch(new RegExp(`\\n +jobsctl resume chatbooks/default --url ${world.url}\\n`))
    expect(screen).toMatch(/\nThen it would be 1st in line\.\n$/)
  })

  it('has a line for each reason in TSV, and the answer of the server in JSON, with the same sentences', async () => {
    const id = await stopped()
    const [tsv, json] = await Promise.all([
      world.jobsctl(['explain', String(id)]),
      world.jobsctl(['explain', String(id), '--json']),
    ])
    const { reasons } = JSON.parse(json.out)
    const rows = tsv.out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(rows.map(([code]) => code)).toEqual(['not_due', 'queue_paused'])
    expect(rows[1]?.slice(2)).toEqual([
      'jobsctl resume chatbooks/default',
      'POST /api/v1/jobs/queue/control',
      '{"domain":"chatbooks","queue":"default","action":"resume"}',
    ])
    expect(reasons[0].sentence).toBe(rows[0]?.[1])
  })

  it('tells why nothing of a queue runs', async () => {
    await world.jobs(1, { status: 'queued', domain: 'a', queue: 'b/c', created_at: ago(7300) })
    const { code, out } = await world.jobsctl(['explain', 'a/b/c', '-o', 'table'])
    expect(code).toBe(0)
    expect(out).toMatch(/^a\/b\/c: 1 job due, the oldest for 2h.*, 0 leased\.\n {2}no worker {2}no worker has asked/)
  })

  it('says in a pipe where nothing keeps a queue, beside rows that are none', async () => {
    await world.jobs(1, { status: 'queued', domain: 'chatbooks', queue: 'default' })
    const { code, out, err } = await world.jobsctl(['explain', 'chatbooks/default'])
    const { sentence, reasons } = JSON.parse((await world.jobsctl(['explain', 'chatbooks/default', '--json'])).out)
    expect(reasons).toEqual([])
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: `note: ${sentence}\n` })
  })

  it('is exit 5 for an unknown job or queue, and exit 2 for what is neither', async () => {
    const [id] = await world.jobs(1, { status: 'queued' })
    expect(await world.jobsctl(['explain', '999999'])).toMatchObject({ code: 5, out: '' })
    expect(await world.jobsctl(['explain', String(id), '--domain', 'other'])).toMatchObject({ code: 5 })
    expect(await world.jobsctl(['explain', 'no/queue'])).toMatchObject({
      code: 5,
      err: expect.stringMatching(/there was never a job in no\/queue\n {2}hint: jobsctl stats lists the queues\n/),
    })
    for (const words of [['x'], ['0'], ['1.5'], ['/q'], ['d/'], ['d/q', '--domain', 'd'], []])
      expect(await world.jobsctl(['explain', ...words]), words.join()).toMatchObject({ code: 2, out: '' })
    expect(await world.jobsctl(['explain', 'd/q', '--curl'])).toMatchObject({
      out: expect.stringContaining('/api/v1/jobs/queues/explain?domain=d&queue=q'),
    })
  })

  it('says of the other server that it has no such call', async () => {
    const other = await fakeServer(() => ({ status: 404, body: { detail: 'Not Found' } }))
    expect(await runAt(other, ['explain', '7'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(`${other.url} has no GET /api/v1/jobs/7/explain`),
    })
    const detail = [{ loc: ['path', 'job_id'], msg: 'Input should be a valid integer' }]
    const older = await fakeServer(() => ({ status: 422, body: { detail } }))
    expect(await runAt(older, ['explain', 'd/q'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(`${older.url} has no GET /api/v1/jobs/queues/explain`),
    })
  })

  it('shows the reasons of a later server as they are, and escapes what a terminal would act on', async () => {
    const remedy = { http: { method: 'POST', path: '/new', body: { a: '\u001b[2J' }, confirm: true }, jobsctl: null }
    const reason = { code: 'new', title: 'a new\u001b[2J one', sentence: 'who knows\nwhy', facts: {}, remedy }
    const job = {
      id: 7,
      domain: 'd',
      queue: 'q',
      job_type: 't',
      status: 's',
      archived: false,
      as_of: 'now',
      place: null,
    }
    const body = {
      ...job,
      sentence: 'Job 7 waits:',
      reasons: [reason, { ...reason, remedy: { ...remedy, jobsctl: ['do', "it's"] } }],
    }
    const server = await fakeServer(() => ({ body }))
    const { screen } = await atTerminal(['explain', '7'], { env: envOf(server) })
    expect(screen).toBe(
      [
        'Job 7 waits:',
        '  a new\\x1b[2J one  who knows\\x0awhy',
        `${' '.repeat(20)}POST /new {"a":"\\u001b[2J"}`,
        '  a new\\x1b[2J one  who knows\\x0awhy',
        `${' '.repeat(20)}jobsctl do 'it'\\''s'`,
        '',
      ].join('\n'),
    )
  })
})
