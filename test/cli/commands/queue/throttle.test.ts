import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wordsOf } from '../../../support/programs/shell.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(['postgres'] as const)('jobsctl throttle at a real server on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.jobs(1, { domain: 'media', queue: 'ingest' })
  })

  const throttle = (...words: string[]) => world.jobsctl(['throttle', ...words])

  it('sets, shows and lists what a queue is throttled to, and prints the command that undoes it', async () => {
    const set = await throttle('media/ingest', '--running', '5', '--reason', 'provider refuses ü')
    expect(set).toEqual({
      ...{ code: 0, err: '' },
      out: 'media/ingest is throttled to 5 running.   Undo:  jobsctl throttle media/ingest --off\n',
    })
    expect((await throttle('media/ingest')).out).toBe('media/ingest is throttled to 5 running.\n')
    expect((await world.jobsctl(['queues', '--throttles'])).out).toBe('media\tingest\trunning\t\t\t5 running\n')
    expect((await world.jobsctl(['queues'])).out).toBe('')
    const more = await throttle('media/ingest', '--per-minute', '1200')
    expect(more.out).toBe(
      'media/ingest is throttled to 5 running, 1,200 a minute.   Undo:  jobsctl throttle media/ingest --running 5 --per-minute off\n',
    )
    const [, ...undo] = await wordsOf(more.out.trim().split('Undo:')[1] ?? '')
    expect((await world.jobsctl(undo)).out).toMatch(/^media\/ingest is throttled to 5 running\. {3}Undo: /)
    expect((await throttle('media/ingest', '--off')).out).toMatch(/^media\/ingest is not throttled\. {3}Undo: /)
    expect((await throttle('media/ingest', '--off')).out).toBe('media/ingest is not throttled. Nothing was changed.\n')
    const { out } = await world.jobsctl(['operations', '--kind', 'acts', '--json'])
    expect(JSON.parse(out).at(-1)).toMatchObject({
      ...{ kind: 'queue.throttle_set', domain: 'media', queue: 'ingest', reason: 'provider refuses ü' },
    })
  })

  it('answers JSON with what is set and what was before', async () => {
    expect(JSON.parse((await throttle('media/ingest', '--running', '1', '--json')).out)).toEqual({
      ...{ operation: 'throttle', domain: 'media', queue: 'ingest' },
      ...{ running: 1, per_minute: null, before: { running: null, per_minute: null } },
    })
    expect(JSON.parse((await throttle('media/ingest', '--json')).out)).toMatchObject({ running: 1, per_minute: null })
  })

  it.each([
    [['media/ingest', '--running', '0'], '--running 0 would stop the queue, which is a pause'],
    [['media/ingest', '--per-minute', '0'], 'hint: jobsctl pause media/ingest'],
    [['media/ingest', '--running', '10001'], '--running must be 1 to 10,000, or off'],
    [['media/ingest', '--per-minute', '1.5'], '--per-minute must be 1 to 60,000, or off'],
    [['mail/high', '--per-minute', 'x'], 'hint: jobsctl throttle mail/high --per-minute 5\n'],
    [['media/ingest', '--off', '--running', '5'], '--off ends both limits'],
    [['media', '--running', '5'], 'no domain is known to have a queue "media"'],
  ])('refuses %j with exit 2', async (words, message) => {
    const { code, err } = await throttle(...words)
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(await world.events()).toEqual([])
  })

  it('refuses a queue that no job was in, unless --create says so', async () => {
    expect(await throttle('media/ingets', '--running', '5')).toMatchObject({
      code: 5,
      err: expect.stringContaining('did you mean media/ingest?'),
    })
    expect(await throttle('media/ingets')).toEqual({
      ...{ code: 5, out: '' },
      err: expect.stringContaining('did you mean media/ingest? all that are throttled: jobsctl queues --throttles'),
    })
    expect((await throttle('media/new', '--running', '5', '--create')).code).toBe(0)
    expect((await throttle('media/new')).out).toBe('media/new is throttled to 5 running.\n')
    await throttle('media/new', '--off')
    expect((await throttle('media/new')).out).toBe('media/new is not throttled.\n')
  })
})
