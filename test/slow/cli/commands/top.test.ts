import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { runAt } from '../../../support/fakes/change-server.ts'
import { startAtScreen } from '../../../support/fakes/fake-screen.ts'
import { deadServer, fakeServer } from '../../../support/fakes/fake-server.ts'
import { frameOf, liveGroup, statsServer } from '../../../support/fakes/stats-server.ts'
import { atTerminal, ctrlC, startAtTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const taken = '\u001b[?1049h'
/** Lines wrap, the cursor is seen, and the normal screen is shown. */
const given = '\u001b[?7h\u001b[?25h\u001b[?1049l'

/** What the terminal was sent after the screen was given back. */
function afterScreen(raw: string): string {
  expect(raw).toContain(taken)
  expect(raw.lastIndexOf(given)).toBeGreaterThan(raw.lastIndexOf(taken))
  return stripVTControlCharacters(raw.slice(raw.lastIndexOf(given)))
}

describe('top', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(2, { status: 'queued', available_at: '2026-01-01T00:00:00Z', created_at: '2026-01-01T00:00:00Z' })
    await world.jobs(1, { status: 'processing', domain: 'media', job_type: 'a\tb' })
    await world.sql`insert into job_queue_controls (domain, queue, paused) values ('media', 'default', true)`
  })
  afterAll(() => world?.stop())

  const env = () => ({ JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key, LANG: 'C.UTF-8' })
  const start = (argv: string[] = [], options: object = {}) =>
    startAtTerminal(['top', ...argv], { env: env(), ...options })

  it('--once is TSV in a pipe, and the whole frame with --json', async () => {
    expect(await world.jobsctl(['top', '--once'])).toEqual({
      code: 0,
      out: 'chatbooks\tdefault\texport\t2\t0\t0\t0\t2026-01-01T00:00:00.000Z\nmedia\tdefault\ta b\t0\t0\t1\t0\t\n',
      err: '',
    })
    const { out } = await world.jobsctl(['top', '--once', '--domain', 'media', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      groups: [{ domain: 'media', processing: 1, untold: 0 }],
      stopped: [{ domain: 'media', queue: 'default' }],
      operations: [],
    })
  })

  it('--once is a table at a terminal, with what is stopped', async () => {
    const { code, screen } = await atTerminal(['top', '--once'], { env: env() })
    expect(code).toBe(0)
    expect(screen).toMatch(/^QUEUE +TYPE +QUEUED/)
    expect(screen).toMatch(/chatbooks\/default +export +2 +0 +0 +0 +\d+d ago/)
    expect(screen).toContain('1 stopped: jobsctl queues')
    expect(await world.jobsctl(['top', '--once', '--queue', 'none'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('--once takes the counts of a server without the stream', async () => {
    const row = { domain: 'd', queue: 'q', job_type: 't', queued: 3, scheduled: 0, processing: 1, quarantined: 0 }
    const other = await fakeServer(({ path }) =>
      path === '/api/v1/jobs/stats'
        ? { body: [row] }
        : { status: 422, body: { detail: [{ loc: ['path', 'job_id'], msg: 'must be a number' }] } },
    )
    expect(await runAt(other, ['top', '--once'])).toEqual({ code: 0, out: 'd\tq\tt\t3\t0\t1\t0\t\n', err: '' })
  })

  it('prints its call with --curl, and refuses a blank scope', async () => {
    const { out } = await world.jobsctl(['top', '--domain', 'a b', '--curl'])
    expect(out).toContain('"$BASE/api/v1/jobs/stats/stream?domain=a+b"')
    expect(await world.jobsctl(['top', '--domain', ' '])).toMatchObject({ code: 2 })
  })

  it('needs a terminal, and names --once where there is none', async () => {
    expect(await world.jobsctl(['top'])).toEqual({
      code: 2,
      out: '',
      err: 'error: top needs a terminal for its keys and its screen\n  hint: jobsctl top --once\n',
    })
    const dumb = await atTerminal(['top'], { env: { ...env(), TERM: 'dumb' } })
    expect(dumb).toMatchObject({ code: 2, screen: expect.stringContaining('TERM is dumb') })
    expect(dumb.raw).not.toContain(taken)
    expect(await atTerminal(['top', '--json'], { env: env() })).toMatchObject({ code: 2 })
    expect(await atTerminal(['top', '--debug'], { env: env() })).toMatchObject({ code: 2 })
  })

  it('ends before it takes the screen where the server cannot be reached, or refuses the key', async () => {
    const { url } = await deadServer()
    const dead = await startAtScreen(['top'], { env: { ...env(), JOBSCTL_URL: url } })
    expect(await dead.ended).toMatchObject({ code: 7, err: expect.stringContaining('connection refused') })
    const wrong = await atTerminal(['top'], { env: { ...env(), JOBSCTL_API_KEY: 'wrong' } })
    expect(wrong).toMatchObject({ code: 4, screen: expect.stringContaining('rejected the key') })
    expect(wrong.raw).not.toContain(taken)
  })

  it('takes the screen of a real terminal, obeys its keys, and gives it back', async () => {
    const person = await start([], { columns: 80, rows: 24 })
    await person.sees('chatbooks/default export')
    person.types('/media\r')
    await person.sees('filter media')
    person.types('\u001b[B?')
    await person.sees('any key goes back')
    person.types('qq')
    const { code, raw } = await person.ended
    expect(code).toBe(0)
    expect(afterScreen(raw).trim()).toBe('')
  })

  it('gives the screen back at Ctrl-C (130) and SIGTERM (143)', async () => {
    const person = await start()
    await person.sees('chatbooks/default export')
    person.types(ctrlC)
    const interrupted = await person.ended
    expect(interrupted.code).toBe(130)
    expect(afterScreen(interrupted.raw).trim()).toBe('')
    const terminated = await (await start([], { endsAfter: 3 })).ended
    expect(terminated.code).toBe(143)
    if (terminated.raw.includes(taken)) afterScreen(terminated.raw)
  })

  it('gives the screen back for Ctrl-Z, and takes it again for fg', async () => {
    const person = await start([], { jobControl: true })
    await person.sees('chatbooks/default export')
    person.types('\x1a')
    await person.sees('continued')
    person.types('?')
    await person.sees('any key goes back')
    person.types('qq')
    const { raw } = await person.ended
    const [before = '', after = ''] = raw.split('continued')
    afterScreen(before)
    afterScreen(after)
  })

  it('gives the screen back where it ends by an error, which stands below', async () => {
    const server = await statsServer(frameOf([liveGroup({ queue: 'first' })]))
    const person = await startAtTerminal(['top'], { env: { ...env(), JOBSCTL_URL: server.url } })
    await person.sees('chatbooks/first')
    server.send('changes', { groups: 'none' })
    const { code, raw } = await person.ended
    expect(code).toBe(1)
    expect(afterScreen(raw)).toMatch(/^error: .*counts that jobsctl does not understand/)
  })

  it('writes its calls to a redirected stderr with --debug', async () => {
    const trace = join(await newFolder('trace'), 'trace.log')
    const person = await start(['--debug'], { errors: trace })
    await person.sees('chatbooks/default export')
    person.types('q')
    expect((await person.ended).code).toBe(0)
    const text = await readFile(trace, 'utf8')
    expect(text).toContain('/api/v1/jobs/stats/stream')
    expect(text).not.toContain(world.key)
  })

  it('draws bars of ASCII where the locale has no UTF-8', async () => {
    const person = await startAtTerminal(['top'], { env: { ...env(), LC_ALL: 'C' }, columns: 120 })
    await person.sees('##')
    person.types('q')
    expect((await person.ended).screen).toMatch(/^[\n\x20-\x7e]*$/)
  })
})
