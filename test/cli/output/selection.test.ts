import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { envOf, recordOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { atTerminal } from '../../support/programs/terminal.ts'
import { openWorld, type World } from '../../support/world.ts'

const worker = {
  ...{ worker_id: 'w\u001b[2J\tx', leases: 1200, expired: 2, oldest_lease_at: '2026-01-02T03:04:05Z' },
  ...{
    last_asked_at: null,
    last_acquired_at: '2026-01-02T03:04:05Z',
    last_renewed_at: null,
    done_15m: 7,
    failed_15m: 0,
  },
  queues: [{ domain: 'd', queue: 'one' }],
}
const workersServer = (rows: unknown[] = [worker]) => fakeServer(() => ({ body: rows }))

describe('--columns', () => {
  it.each([
    [[], 'worker_id,leases', 'w\\x1b[2J x\t1200\n'],
    [['--json'], 'leases,queues', '[{"leases":1200,"queues":[{"domain":"d","queue":"one"}]}]\n'],
    [['--ndjson'], ' leases , last_asked_at', '{"leases":1200,"last_asked_at":null}\n'],
  ])('prints the named columns in their order, with %j', async (format, columns, out) => {
    expect(await runAt(await workersServer(), ['workers', '--columns', columns, ...format])).toEqual({
      code: 0,
      out,
      err: '',
    })
  })

  it('is a table at a terminal, with these columns alone', async () => {
    const server = await workersServer()
    const { screen } = await atTerminal(['workers', '--columns', 'leases,worker_id'], { env: envOf(server) })
    expect(screen).toMatch(/^LEASES +WORKER_ID\n +1,200 +w\\x1b\[2J\\x09x\n/)
  })

  it('takes a column that is no field, and the fields of one record', async () => {
    const queues = await fakeServer(() => ({
      body: [{ domain: 'd', queue: 'q', paused: true, drain: true, reason: null, updated_at: null }],
    }))
    expect((await runAt(queues, ['queues', '--columns', 'queue,state', '--json'])).out).toBe(
      '[{"queue":"q","state":"draining"}]\n',
    )
    const record = await fakeServer(() => ({ body: recordOf() }))
    expect((await runAt(record, ['operations', '17', '--columns', 'kind,filters'])).out).toBe(
      'prune\t{"older_than_days":30}\n',
    )
    expect((await runAt(record, ['operations', '17', '--columns', 'kind,filters', '--json'])).out).toBe(
      '{"kind":"prune","filters":{"older_than_days":30}}\n',
    )
    const { screen } = await atTerminal(['operations', '17', '--columns', 'id,kind'], { env: envOf(record) })
    expect(screen).toMatch(/^ID +KIND\n17 +prune\n/)
  })

  /** Words with which a command prints rows. */
  const words: Readonly<Record<string, string[]>> = {
    ...{ plans: ['list'], hold: ['list'], token: ['list'], policy: ['show'], config: ['list'], top: ['--once'] },
    ...{ explain: ['8123'], show: ['8123'], apply: ['plan.json'], approve: ['5'], reject: ['5'], mark: ['deploy'] },
    ...{ pause: ['d/q'], resume: ['d/q'], drain: ['d/q'], threshold: ['d/q'], throttle: ['d/q'], completion: ['bash'] },
  }

  it('is refused before any call: for an unknown name with the names there are, and by a command without rows', async () => {
    const server = await fakeServer(() => ({ body: [] }))
    const told: [string, number | null, string][] = []
    for (const { name, rows } of commands) {
      const operands = words[name] ?? []
      const printed = await rows?.(operands, { once: true })
      const { code, err } = await runAt(server, [name, ...operands, '--columns', 'nosuch'])
      if (printed === 'fields') continue
      const text = printed
        ? `--columns: there is no column nosuch\n  hint: the columns are ${printed.map(({ title }) => title).join(',')}\n`
        : 'prints no rows; nothing was changed'
      told.push([name, code, err.includes(text) ? 'as expected' : err])
    }
    expect(told.filter(([name, code, text]) => name !== 'help' && (code !== 2 || text !== 'as expected'))).toEqual([])
    expect(told.length).toBeGreaterThan(30)
    expect(server.requests.filter(({ path }) => !path.includes('/jobs/8123'))).toEqual([])
  })

  it('is refused where the same command changes something', async () => {
    const server = await fakeServer(() => ({ body: {} }))
    for (const argv of [
      ['events', '--forget', 'reader'],
      ['token', 'create', 'ci'],
      ['hold', 'add', '5', '--until', '1d'],
      ['integrity', '--all', '--fix', '--yes'],
      ['operations', 'stop', '17'],
      ['show', '5', '--payload'],
    ])
      for (const flag of [
        ['--columns', 'id'],
        ['--template', '{{.id}}'],
      ])
        expect([argv, await runAt(server, [...argv, ...flag])]).toMatchObject([argv, { code: 2, out: '' }])
    expect(server.requests).toEqual([])
  })
})

describe('--template', () => {
  it.each([
    ['{{.worker_id}} {{.leases}}', 'w\\x1b[2J x 1200\n'],
    ['{{.queues.0.queue}}\\t{{.queues.1.queue}}|{{.last_asked_at}}\\n', 'one\t|\n'],
    ['{{.last_acquired_at}}{{"\\n"}}', '2026-01-02T03:04:05.000Z\n'],
    ['{{ .queues }}', 'd/one\n'],
    ['{{.queues.0}} {{"{{"}}', '{"domain":"d","queue":"one"} {{\n'],
    ['no name \\\\', 'no name \\\n'],
  ])('%j is a line for each row', async (template, out) => {
    expect(await runAt(await workersServer(), ['workers', '--template', template])).toEqual({ code: 0, out, err: '' })
    expect((await runAt(await workersServer([]), ['workers', '--template', template])).out).toBe('')
  })

  it.each([
    [['--template', '{{range .items}}{{.id}}{{end}}'], 'leave out range and end'],
    [['--template', '{{.id'], '{{.id is not one of {{.name}}'],
    [['--template', '{{id}}'], '{{id}} is not one of {{.name}}'],
    [['--template', '{{.id | json}}'], 'for more: --json and jq'],
    [['--template', '{{.id}}', '--json'], '--template excludes --columns and a format'],
    [['--template', '{{.id}}', '-o', 'tsv'], '--template excludes --columns and a format'],
    [['--template', '{{.id}}', '--columns', 'id'], '--template excludes --columns and a format'],
    [['--template', ' '], '--template: must not be blank'],
  ])('%j is refused before any call', async (flags, text) => {
    const server = await workersServer()
    expect(await runAt(server, ['workers', ...flags])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(text),
    })
    expect(server.requests).toEqual([])
  })

  it('names the columns and fields there are for a name that no row has', async () => {
    const { code, err } = await runAt(await workersServer(), ['workers', '--template', '{{.worker}}'])
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('there is no column worker\n  hint: did you mean worker_id?'),
    ])
  })
})

describe('a selection of jobs', () => {
  let world: World
  let ids: number[]
  beforeAll(async () => {
    world = await openWorld('postgres')
    ids = await world.jobs(1, { status: 'failed', domain: 'shop' })
    await world.sql`
      update jobs set error_code = 'timeout', error_message = ${`no answer ${'x'.repeat(2000)}`}, payload = ${world.sql.unsafe(
        `'{"customer": {"a b": "ann"}, "big": 12345678901234567890.10}'::jsonb`,
      )}`
    await world.jobs(1, { status: 'cancelled', domain: 'bank', cancellation_reason: 'ttl_age' })
  })
  afterAll(() => world?.stop())

  it('has the error, the reason of a cancellation and the time of the last change', async () => {
    const { out } = await world.jobsctl(['list', '--domain', 'shop', '--columns', 'id,error,updated_at'])
    expect(out).toMatch(new RegExp(`^${ids[0]}\tno answer x{990}\t\\d{4}-.*Z\n$`))
    expect((await world.jobsctl(['list', '--domain', 'bank', '--columns', 'status,reason'])).out).toBe(
      'cancelled\tttl_age\n',
    )
    expect((await world.jobsctl(['list', '--all-pages', '--template', '{{.status}}:{{.error}}'])).out).toMatch(
      /^cancelled:\nfailed:no answer x{990}\n$/,
    )
    for (const sort of ['priority', 'ended_at', 'status'])
      expect((await world.jobsctl(['list', '--sort', sort, '--columns', 'error_message'])).out).toContain('no answer')
  })

  it('reads payloads digit by digit, and only with --payload', async () => {
    const template = ['--template', '{{.id}} {{.payload.customer."a b"}} {{.payload.big}}']
    const line = `${ids[0]} ann 12345678901234567890.10\n`
    expect((await world.jobsctl(['list', '--domain', 'shop', '--payload', ...template])).out).toBe(line)
    expect((await world.jobsctl(['show', String(ids[0]), ...template])).out).toBe(line)
    expect(await world.jobsctl(['list', '--domain', 'shop', ...template])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--template: there is no column payload'),
    })
    expect((await world.jobsctl(['list', '--domain', 'shop', '--payload', '--ndjson', '--columns', 'id'])).out).toBe(
      `{"id":${ids[0]},"payload":{"big":12345678901234567890.10,"customer":{"a b":"ann"}}}\n`,
    )
  })
})
