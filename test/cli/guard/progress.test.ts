import { describe, expect, it } from 'vitest'
import { progressReporter } from '../../../cli/output/progress-bar.ts'
import { deadlineAfter } from '../../../sdk/call/deadline.ts'
import { changeServer, envOf, progress, recordOf, runAt } from '../../support/fakes/change-server.ts'
import { type FakeRequest, fakeServer } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { startJobsctl } from '../../support/programs/jobsctl.ts'
import { atTerminal, ctrlC, startAtTerminal } from '../../support/programs/terminal.ts'

/** To the beginning of the line, and the line is empty. */
const clear = '\r\u001b[K'

const prune = ['prune', '--domain', 'chatbooks', '--older-than', '30d', '--yes']
const result = (more: object = {}) => ({
  result: { deleted: 200, operation_id: 17, batches: 2, elapsed_ms: 90, skipped: 0, skipped_locked: 0, ...more },
})

/** Sends the lines, and nothing more until the client has closed the connection. */
async function* untilHungUp({ hungUp }: FakeRequest, ...lines: unknown[]): AsyncGenerator<unknown> {
  yield* lines
  await until('the caller hangs up', hungUp)
}

describe('the progress of a change', () => {
  it('is read up to its result, and what the server tells beside is there for programs', async () => {
    const server = await changeServer(() => ({ lines: [progress(100), progress(150), result()] }))
    const [text, json] = await Promise.all([runAt(server, prune), runAt(server, [...prune, '--json'])])
    expect(text).toEqual({ code: 0, out: 'deleted 200 jobs in chatbooks\n', err: '' })
    expect(json).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(json.out)).toMatchObject({
      ...{ operation: 'prune', dry_run: false, affected: 200, domain: 'chatbooks' },
      ...{ operation_ids: [17], batches: 2, elapsed_ms: 90, skipped: 0, skipped_locked: 0 },
    })
  })

  it('notes what was left, in every output but --quiet, and exits 0', async () => {
    const left = { deleted: 195, skipped: 5, skipped_locked: 2 }
    const server = await changeServer(() => ({ lines: [result(left)] }))
    const runs = await Promise.all([[], ['--json'], ['-q']].map((more) => runAt(server, [...prune, ...more])))
    const notes =
      'note: 3 of the 200 previewed jobs had changed since the preview and were left as they are\n' +
      'note: 2 jobs were locked by other transactions and left as they are; run the command again for them\n'
    expect(runs.map(({ code, err }) => [code, err])).toEqual([
      [0, notes],
      [0, notes],
      [0, ''],
    ])
  })

  it('at a terminal ends with the command that takes it back, at the same target', async () => {
    const server = await changeServer(() => ({ lines: [result()] }))
    const argv = [...prune, '--url', server.url]
    const { code, screen } = await atTerminal(argv, { env: envOf(server) })
    expect({ code, screen }).toEqual({
      code: 0,
      screen: `deleted 200 jobs in chatbooks\nTo give back 200 jobs:  jobsctl undo 17 --url ${server.url}\n`,
    })
  })

  it('that ends in a failure is that failure: half-way is exit 9, with how to go on', async () => {
    const problem = { status: 503, code: 'partial', detail: 'deleted 100 jobs, then the database went away' }
    const busy = { status: 503, code: 'database_busy', detail: 'too many wait', request_id: 'r-9' }
    const [partial, other] = await Promise.all(
      [problem, busy].map((error) => changeServer(() => ({ lines: [progress(100), { error }] }))),
    )
    if (!partial || !other) throw new Error('two servers were started')
    const [first, second] = await Promise.all([runAt(partial, prune), runAt(other, prune)])
    expect(first).toEqual({
      code: 9,
      out: '',
      err: `error: ${problem.detail}\n  hint: run the command again to go on; to undo: jobsctl undo 17\n`,
    })
    expect(second).toMatchObject({
      code: 9,
      err: expect.stringContaining('error: deleted 100 jobs in chatbooks, then stopped: too many wait\n'),
    })
  })

  it.each([
    [
      'ends without its result',
      [progress(100)],
      7,
      /^error: deleted at least 100 jobs in chatbooks, then: .+ may still finish the change\n/,
    ],
    [
      'breaks off',
      [progress(100), 'reset'],
      7,
      /^error: deleted at least 100 jobs in chatbooks, then: .+ may still finish it\n/,
    ],
    ['says what is no JSON', [progress(100), 'hello\n'], 1, /does not understand/],
    ['says what means nothing', [{ hello: 1 }], 1, /does not understand/],
    ['says a line without an end', ['x'.repeat(5_000_000), 'silence'], 1, /does not understand/],
  ])('that %s is reported as what it is', async (_what, lines, code, pattern) => {
    const server = await changeServer(() => ({ lines }))
    const run = await runAt(server, prune)
    expect(run).toMatchObject({ code, out: '', err: expect.stringMatching(pattern) })
    if (code === 7) expect(run.err).toContain('  hint: to see where it stands: jobsctl operations 17\n')
  })

  it('does not put off a deadline that somebody set', async () => {
    const server = await changeServer((request) => ({ lines: untilHungUp(request, progress(1), progress(2)) }))
    const run = await runAt(server, [...prune, '--timeout', '1'])
    expect(run).toMatchObject({ code: 7, err: expect.stringContaining('no answer from') })
  })

  it('at a terminal is a bar, once it takes longer than a second, and it is taken away', async () => {
    async function* slowly() {
      const start = performance.now()
      yield progress(10)
      await until('it has taken its time', () => performance.now() - start > 3000)
      yield progress(100)
      yield progress(100)
      yield result()
    }
    const server = await changeServer(() => ({ lines: slowly() }))
    const { code, raw } = await atTerminal([...prune, '--json'], { env: envOf(server) })
    expect(code).toBe(0)
    const screen = raw.replaceAll(clear, '<clear>')
    expect(screen).toMatch(/<clear>\[#{10}-{10}\] deleted 100 of 200 jobs in chatbooks, \d+\/s, \d+s left/)
    expect(screen).toMatch(/left<clear>\{/)
  })
})

describe('Ctrl-C during a change', () => {
  const interrupting = async (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', states: string[]) => {
    let looks = 0
    const server = await changeServer(
      (request) => ({ lines: untilHungUp(request, progress(100)) }),
      () => ({ body: recordOf({ state: states[Math.min(looks++, states.length - 1)], affected: 120 }) }),
    )
    const child = await startJobsctl([...prune, '--debug'], { env: envOf(server) })
    await until('it has heard of progress', () => child.output.err.includes('"affected":100'))
    child.process.kill(signal)
    return { server, child }
  }
  const sentence = 'deleted 120 jobs in chatbooks before that, and no more\n'

  it.each([
    ['SIGINT', 130, 'interrupted'],
    ['SIGTERM', 143, 'terminated'],
  ] as const)('%s hangs up, waits for the running batch, and says how many are done', async (signal, code, word) => {
    const { child } = await interrupting(signal, ['running', 'running', 'partial'])
    const ended = await child.ended
    expect(ended).toMatchObject({ code, out: '' })
    expect(ended.err).toContain(`${word}; waiting for the running batch to end`)
    expect(ended.err).toContain(
      `error: ${word}; ${sentence}  hint: run the command again to go on; to undo: jobsctl undo 17\n`,
    )
  })

  it('says so where the terminal is closed, of which it hears twice, and ends by that signal', async () => {
    const { child, server } = await interrupting('SIGHUP', ['running', 'running', 'partial'])
    await until('it looks at the record', () => server.requests.some(({ method }) => method === 'GET'))
    child.process.kill('SIGHUP') // of the shell, and then of the system
    expect((await child.ended).err).toContain(`error: terminated; ${sentence}`)
    expect(child.process.signalCode).toBe('SIGHUP')
  })

  it('the second one ends it at once', async () => {
    const { child, server } = await interrupting('SIGINT', ['running'])
    await until('it looks at the record', () => server.requests.some(({ method }) => method === 'GET'))
    child.process.kill('SIGINT')
    await child.ended
    // By the signal: an end after the wait has an exit code.
    expect(child.process.signalCode).toBe('SIGINT')
  })

  it('works from the keyboard, too', async () => {
    const server = await changeServer(
      (request) => ({ lines: untilHungUp(request, progress(100)) }),
      () => ({ body: recordOf({ state: 'partial', affected: 120 }) }),
    )
    const person = await startAtTerminal([...prune, '--debug'], { env: envOf(server) })
    await person.sees('"affected":100')
    person.types(ctrlC)
    expect(await person.ended).toMatchObject({
      code: 130,
      screen: expect.stringContaining(`error: interrupted; ${sentence}`),
    })
  })

  it('during the preview says that nothing was changed', async () => {
    const server = await fakeServer(() => 'silence')
    const child = await startJobsctl(prune, { env: envOf(server) })
    await until('the preview is requested', () => server.requests.length === 1)
    child.process.kill('SIGINT')
    expect(await child.ended).toMatchObject({ code: 130, err: 'error: interrupted; nothing was changed\n' })
  })

  it('while it is followed from elsewhere does not stop it, and says so', async () => {
    const server = await fakeServer((request) => ({ lines: untilHungUp(request, progress(100)) }))
    const child = await startJobsctl(['operations', 'follow', '17', '--debug'], { env: envOf(server) })
    await until('it has heard of progress', () => child.output.err.includes('"affected":100'))
    child.process.kill('SIGTERM')
    const { code, err } = await child.ended
    expect(code).toBe(143)
    expect(err).toContain(
      'error: terminated; operation 17 was not stopped\n  hint: to stop it: jobsctl operations stop 17\n',
    )
    expect(server.requests).toHaveLength(1)
  })

  it('before anything is known of it says that it may still be done, and gives the dry run that shows', async () => {
    const server = await changeServer(() => 'silence')
    const child = await startJobsctl(prune, { env: envOf(server) })
    await until('the change is requested', () => server.requests.length === 2)
    child.process.kill('SIGINT')
    const { code, err } = await child.ended
    expect(code).toBe(130)
    expect(err).toBe(
      'error: interrupted; the server may still finish it\n' +
        '  hint: to see where it stands: jobsctl prune --domain chatbooks --older-than 30d --dry-run\n',
    )
  })
})

describe('in parts', () => {
  it('off a terminal there is a line every ten seconds, and none with --quiet', () => {
    let time = 0
    const notes: string[] = []
    const io = { note: (text: string) => void notes.push(text), noteTerminal: false, columns: 80, env: {} }
    const say = (text: string) => `deleted ${text}`
    const telling = { io, say, before: 0, total: undefined, now: () => time }
    const [loud, quiet] = [
      progressReporter({ ...telling, quiet: false }),
      progressReporter({ ...telling, quiet: true }),
    ]
    for (time = 0; time <= 25_000; time += 500) {
      for (const reporter of [loud, quiet]) reporter.report(progress(time, 200_000).progress)
    }
    loud.clear()
    expect(notes).toEqual(['deleted 10,000 of 200,000 jobs so far\n', 'deleted 20,000 of 200,000 jobs so far\n'])
  })

  it('says how far the count before the first batch has come', () => {
    let time = 0
    const notes: string[] = []
    const io = { note: (text: string) => void notes.push(text), noteTerminal: false, columns: 80, env: {} }
    const say = (text: string) => `deleted ${text}`
    const reporter = progressReporter({ io, quiet: false, say, before: 0, total: undefined, now: () => time })
    time = 10_000
    reporter.report({ ...progress(0, null).progress, counted: 1_203_000 })
    expect(notes).toEqual(['deleted 0 jobs so far; counting the jobs first: 1,203,000\n'])
  })

  it('says what the change waits for, and for how long', () => {
    let time = 0
    const say = (text: string) => `deleted ${text}`
    const waiting = {
      ...{ why: 'replica_lag', name: 'r1', value: 14, limit: 10, seconds: 75 },
      detail: 'the replica r1\u001b[2J lags by 14 s (limit 10 s)',
    }
    const shown = [false, true].map((noteTerminal) => {
      const notes: string[] = []
      const io = { note: (text: string) => void notes.push(text), noteTerminal, columns: 120, env: {} }
      time = 0
      const reporter = progressReporter({ io, quiet: false, say, before: 0, total: 200, now: () => time })
      time = 10_000
      reporter.report({ ...progress(50).progress, waiting })
      return notes.join('').replace(clear, '')
    })
    const text = 'waiting for 1m 15s: the replica r1\\x1b[2J lags by 14 s (limit 10 s)'
    expect(shown).toEqual([`deleted 50 of 200 jobs so far; ${text}\n`, `deleted 50 of 200 jobs; ${text}`])
  })

  it('the bar counts the earlier calls, and never wraps', () => {
    let time = 0
    const notes: string[] = []
    const io = { note: (text: string) => void notes.push(text), noteTerminal: true, columns: 60, env: {} }
    const say = (text: string) => `requeued ${text} in ${'x'.repeat(99)}`
    const reporter = progressReporter({ io, quiet: false, say, before: 50, total: 200, now: () => time })
    reporter.report(progress(10).progress)
    time = 2000
    reporter.report(progress(50).progress)
    reporter.clear()
    expect(notes).toHaveLength(2)
    expect(notes[0]?.slice(clear.length)).toMatch(/^\[#{10}-{10}\] requeued 100 of 200 jobs in x+$/)
    expect(notes[0]).toHaveLength(clear.length + 59)
    expect(notes[1]).toBe(clear)
  })

  it('a deadline is put off when something is heard, and limits the silence from then on', async () => {
    const [renewed, fixed] = [deadlineAfter(300, { silenceMs: 60_000 }), deadlineAfter(300)]
    renewed.heard()
    await until('the fixed one has passed', () => fixed.isOver())
    expect([renewed.signal.aborted, renewed.isOfSilence(), fixed.isOfSilence()]).toEqual([false, true, false])
    renewed.end()
    fixed.end()
  })
})
