import { expect, test } from 'vitest'
import { startAtScreen } from '../../support/fakes/fake-screen.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { frameOf, liveGroup, statsServer } from '../../support/fakes/stats-server.ts'
import { until } from '../../support/poll.ts'

// Each of these tests has servers of its own, and some wait for seconds.
const it = test.concurrent

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
const envAt = ({ url }: { url: string }, more: Record<string, string> = {}) => ({
  JOBSCTL_URL: url,
  JOBSCTL_API_KEY: 'key',
  ...more,
})

const three = [
  liveGroup({ queued: 1204, scheduled: 12, processing: 8, quarantined: 3, oldest_due: ago(600) }),
  liveGroup({ queue: 'low', queued: 37, oldest_due: ago(7200) }),
  liveGroup({ domain: 'media', queue: 'ingest', job_type: 'scan', processing: 2 }),
]
const names = (lines: string[]) => lines.flatMap((line) => /^[> ](\S+\/\S+ \S+)/.exec(line)?.[1] ?? [])
const all = ['chatbooks/default export', 'chatbooks/low export', 'media/ingest scan']

it('shows the groups, the busiest first, below stopped queues and running operations', async () => {
  const server = await statsServer(
    frameOf(three, {
      stopped: [
        { domain: 'media', queue: 'ingest', paused: true, drain: false, updated_at: ago(7300), reason: 'disk full' },
      ],
      operations: [
        {
          id: 17,
          kind: 'prune',
          domain: 'chatbooks',
          queue: null,
          job_type: null,
          caller: 'ann',
          reason: null,
          affected: 4300,
          previewed: 9500,
          started_at: ago(120),
        },
      ],
    }),
  )
  const screen = await startAtScreen(['top'], { env: envAt(server), columns: 100 })
  await screen.sees(/1,204 +12 +8 +3/)
  const lines = screen.lines()
  expect(lines[0]).toMatch(/^jobsctl top {2}[\d.:]+ {2}[\d:]{8} UTC {2}live {2}by busiest/)
  expect(lines[1]).toMatch(/^1,241 queued, 12 scheduled, 10 processing, 3 quarantined/)
  expect(lines[2]).toBe('paused  media/ingest since 2h ago: disk full')
  expect(lines[3]).toBe('running  prune 17 in chatbooks: 4,300 of 9,500 jobs, begun 2m ago by ann')
  expect(lines[4]).toMatch(/QUEUE, TYPE +QUEUED +SCHED +PROC +QUAR +IN\/S +OUT\/S +OLDEST/)
  expect(names(lines)).toEqual(all)
  expect(lines[5]).toMatch(/ 10m /)
  expect(lines.at(-1)).toContain('/ filter  s sort  p pause or resume  ? help  q quit')
  expect(lines).toHaveLength(24)
  screen.types('q')
  expect(await screen.ended).toEqual({ code: 0, out: '', err: '' })
  expect(screen.isOpen()).toBe(false)
})

it('computes rates from two frames, and hides them where jobs came or went without an event', async () => {
  const at = (counters: object) => liveGroup({ queued: 5, ...counters })
  const server = await statsServer(frameOf([at({})]))
  const screen = await startAtScreen(['top'], { env: envAt(server), columns: 100 })
  await screen.sees(/5 +0 +0 +0 +0\.0 +0\.0/)
  server.send('changes', { as_of: ago(0), groups: [at({ entered: 40, ended: 20 })], gone: [] })
  await screen.sees(/5 +0 +0 +0 +[1-9][\d.]* +[1-9][\d.]*/)
  server.send('changes', { as_of: ago(0), groups: [at({ entered: 40, ended: 20, untold: 1 })], gone: [] })
  await screen.sees(/5 +0 +0 +0 +– +–/)
  await screen.sees(/in –\/s, out –\/s/)
  screen.types('q')
  await screen.ended
})

it('drops groups that are gone, and draws the history of queued jobs as bars', async () => {
  const server = await statsServer(frameOf(three))
  const screen = await startAtScreen(['top'], { env: envAt(server), columns: 120 })
  await screen.sees(/media/)
  server.send('changes', { as_of: ago(0), groups: [], gone: [{ domain: 'media', queue: 'ingest', job_type: 'scan' }] })
  await until('the group is gone', () => names(screen.lines()).length === 2)
  await screen.sees(/chatbooks\/low.*█/)
  screen.types('q')
  await screen.ended
})

it('filters, sorts, chooses and helps by keys', async () => {
  const server = await statsServer(frameOf(three))
  const screen = await startAtScreen(['top'], { env: envAt(server) })
  await screen.sees(/media/)
  screen.types('/LOW')
  expect(names(screen.lines())).toEqual(['chatbooks/low export'])
  expect(screen.lines().at(-1)).toContain('LOW_')
  screen.presses('backspace')
  screen.presses('return')
  expect(screen.lines()[0]).toContain('filter LO')
  screen.presses('escape')
  expect(names(screen.lines())).toEqual(all)
  const orders = ['queued', 'processing', 'quarantined', 'oldest wait', 'name', 'busiest']
  for (const order of orders) {
    screen.types('s')
    expect(screen.lines()[0]).toContain(`by ${order}`)
    if (order === 'oldest wait') expect(names(screen.lines())[0]).toBe('chatbooks/low export')
  }
  const chosen = () => screen.lines().find((line) => line.startsWith('>'))
  screen.types('jj')
  expect(chosen()).toContain('media/ingest')
  screen.presses('up')
  expect(chosen()).toContain('chatbooks/low')
  screen.types('?')
  expect(screen.lines().join('\n')).toContain('pause the queue of the chosen group')
  screen.types('x')
  expect(chosen()).toContain('chatbooks/low')
  screen.types('/nothing')
  screen.presses('return')
  expect(screen.lines().join('\n')).toContain('no group matches the filter')
  screen.types('q')
  expect((await screen.ended).code).toBe(0)
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('gives the screen back at %s', async (name, code) => {
  const screen = await startAtScreen(['top'], { env: envAt(await statsServer(frameOf(three))) })
  await screen.sees(/media/)
  screen.signals(name)
  expect(await screen.ended).toEqual({ code, out: '', err: '' })
  expect(screen.isOpen()).toBe(false)
})

it('keeps the last frame of a server that is away, says since when, and goes on when it is back', async () => {
  const server = await statsServer(frameOf(three))
  const screen = await startAtScreen(['top'], { env: envAt(server) })
  await screen.sees(/media/)
  await server.stop()
  await screen.sees(/^away since \d\d:\d\d:\d\d UTC: /)
  await screen.sees(/connection refused/)
  expect(names(screen.lines())).toEqual(all)
  await statsServer(frameOf([liveGroup({ queue: 'back' })]), server.port)
  await screen.sees(/chatbooks\/back/)
  expect(screen.lines()[0]).toContain('live')
  expect(names(screen.lines())).toHaveLength(1)
  screen.types('q')
  expect(await screen.ended).toEqual({ code: 0, out: '', err: '' })
})

it('gives the screen back where an answer is not understood, and tells the error', async () => {
  const server = await statsServer(frameOf(three))
  const screen = await startAtScreen(['top'], { env: envAt(server) })
  await screen.sees(/media/)
  server.sendRaw('event: changes\ndata: {"groups":7}\n\n')
  expect(await screen.ended).toMatchObject({
    code: 1,
    err: expect.stringContaining('counts that jobsctl does not understand'),
  })
  expect(screen.isOpen()).toBe(false)
})

it('ignores messages of later servers, and comments', async () => {
  const server = await statsServer(frameOf(three))
  const screen = await startAtScreen(['top'], { env: envAt(server) })
  await screen.sees(/media/)
  server.sendRaw(': heartbeat\n\nevent: later\ndata: {}\n\nevent: changes\n')
  server.sendRaw(`data: ${JSON.stringify({ as_of: ago(0), groups: [liveGroup({ queue: 'after' })], gone: [] })}\n\n`)
  await screen.sees(/chatbooks\/after/)
  screen.types('q')
  await screen.ended
})

it('polls a server that has no stream, and says so', async () => {
  const other = await fakeServer(({ path }) =>
    path.startsWith('/api/v1/jobs/stats?') || path === '/api/v1/jobs/stats'
      ? { body: [{ domain: 'd', queue: 'q', job_type: 't', queued: 3, scheduled: 0, processing: 1, quarantined: 0 }] }
      : { status: 404, body: { detail: 'Not Found' } },
  )
  const screen = await startAtScreen(['top', '--domain', 'd'], { env: envAt(other), columns: 140 })
  await screen.sees(/d\/q t +3 +0 +1 +0 +– +– +–/)
  expect(screen.lines()[0]).toContain('this server has no stream: counts every 2 s, no rates')
  await until('it asks again', () => other.requests.filter(({ path }) => path.includes('/stats?domain=d')).length > 2)
  screen.types('q')
  expect(await screen.ended).toEqual({ code: 0, out: '', err: '' })
})

it('shows names of others without acting on them, and in ASCII where the terminal has no UTF-8', async () => {
  const evil = liveGroup({ queue: 'a\u001b[2J\n\u202eb', job_type: 'ü📚', queued: 1 })
  const stopped = [
    { domain: 'd\u0007', queue: 'q', paused: true, drain: false, updated_at: null, reason: '\u001b]0;x\u0007' },
  ]
  const server = await statsServer(frameOf([evil], { stopped }))
  const screen = await startAtScreen(['top'], { env: envAt(server, { LC_ALL: 'C' }), columns: 120 })
  await screen.sees(/a\\x1b\[2J\\x0a\\u202eb \?\?/)
  for (const line of screen.lines()) expect(line).toMatch(/^[\x20-\x7e]*$/)
  await screen.sees(/#/)
  screen.types('q')
  await screen.ended
})

it.each([
  [80, 24],
  [200, 60],
  [40, 10],
  [20, 5],
  [1, 1],
])('fits a terminal of %i columns and %i lines, also after a resize', async (columns, rows) => {
  const many = Array.from({ length: 100 }, (_, n) =>
    liveGroup({ queue: `queue-with-a-long-name-${n}`, queued: 10 ** (n % 15) }),
  )
  const screen = await startAtScreen(['top'], { env: envAt(await statsServer(frameOf(many))), columns: 100 })
  await screen.sees(/queue-with/)
  screen.resizes(columns, rows)
  for (const key of ['end', 'up', 'pageup', 'home']) {
    screen.presses(key)
    expect(screen.lines()).toHaveLength(rows)
    for (const line of screen.lines()) expect([...line].length).toBeLessThanOrEqual(columns)
    if (rows >= 5) expect(screen.lines().filter((line) => line.startsWith('>'))).toHaveLength(1)
  }
  screen.types('?')
  expect(screen.lines()).toHaveLength(rows)
  screen.types('q')
  await screen.ended
})
