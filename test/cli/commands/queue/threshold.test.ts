import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wordsOf } from '../../../support/programs/shell.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(['postgres'] as const)('jobsctl threshold at a real server on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.jobs(1, { domain: 'media', queue: 'ingest' })
  })

  const threshold = (...words: string[]) => world.jobsctl(['threshold', ...words])

  it('sets, shows and lists the threshold of a queue, and prints the command that undoes it', async () => {
    const set = await threshold('media/ingest', '10', '--reason', 'mailer away ü')
    expect(set).toEqual({
      ...{ code: 0, err: '' },
      out: 'Jobs of media/ingest are quarantined after 10 failures in a row with one error code.   Undo:  jobsctl threshold media/ingest server\n',
    })
    expect((await threshold('media/ingest')).out).toBe(
      'Jobs of media/ingest are quarantined after 10 failures in a row with one error code.\n',
    )
    expect((await world.jobsctl(['queues', '--thresholds'])).out).toBe('media\tingest\trunning\t\t\t10\n')
    expect((await world.jobsctl(['queues'])).out).toBe('')
    const [, ...undo] = await wordsOf(set.out.trim().split('Undo:')[1] ?? '')
    expect((await world.jobsctl(undo)).out).toBe(
      'Jobs of media/ingest are quarantined after as many failures in a row with one error code as the server says (JOBS_QUARANTINE_THRESHOLD).   Undo:  jobsctl threshold media/ingest 10\n',
    )
    const { out } = await world.jobsctl(['operations', '--kind', 'acts', '--json'])
    expect(JSON.parse(out)).toMatchObject([
      { kind: 'queue.threshold_set' },
      { kind: 'queue.threshold_set', domain: 'media', queue: 'ingest', reason: 'mailer away ü' },
    ])
  })

  it('says what turns quarantine off, and that nothing was changed', async () => {
    const off = 'Jobs of media/ingest are not quarantined, however often they fail.'
    expect((await threshold('media/ingest', 'off')).out).toBe(`${off}   Undo:  jobsctl threshold media/ingest server\n`)
    expect((await threshold('media/ingest', '0')).out).toBe(`${off} Nothing was changed.\n`)
    expect(JSON.parse((await threshold('media/ingest', '1', '--json')).out)).toEqual({
      ...{ operation: 'threshold', domain: 'media', queue: 'ingest' },
      ...{ quarantine_threshold: 1, before: 0 },
    })
    expect(JSON.parse((await threshold('media/ingest', '--json')).out)).toMatchObject({ quarantine_threshold: 1 })
    const drained = await world.jobsctl(['queues', '--thresholds', '--json'])
    expect(JSON.parse(drained.out)).toMatchObject([{ queue: 'ingest', paused: false, quarantine_threshold: 1 }])
  })

  it.each(['00', '101', '-1', '1.5', 'on', ''])('refuses the threshold "%s"', async (value) => {
    const refused = await threshold('mail/high', '--', value)
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toContain('must be 1 to 100, off or server\n  hint: jobsctl threshold mail/high 10\n')
  })

  it('says that a mistyped queue does not exist, in place of a threshold', async () => {
    const shown = await threshold('media/ingset')
    expect(shown).toMatchObject({ code: 5, out: '' })
    expect(shown.err).toContain('did you mean media/ingest?')
  })

  it('refuses a queue that has no job, unless it is to be made', async () => {
    expect(await threshold('media/unseen', '5')).toMatchObject({ code: 5, out: '' })
    expect(await threshold('media/unseen', '5', '--create')).toMatchObject({ code: 0 })
  })

  it('a job gets its own threshold by enqueue, and from a line of show', async () => {
    const argv = ['enqueue', 'media/ingest', '--job-type', 'mail', '--quarantine-threshold']
    expect(await world.jobsctl([...argv, '101'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--quarantine-threshold: must be at most 100'),
    })
    expect((await world.jobsctl([...argv, '7'])).code).toBe(0)
    const shown = await world.jobsctl(['show', '2', '--json'])
    expect(JSON.parse(shown.out)).toMatchObject({ quarantine_threshold: 7 })
    expect(
      (await world.jobsctl(['enqueue', '--from', '-'], { stdin: `${shown.out.replaceAll('\n', ' ')}\n` })).code,
    ).toBe(0)
    expect(await world.sql`select quarantine_threshold as own from jobs order by id`).toEqual([
      { own: null },
      { own: 7 },
      { own: 7 },
    ])
  })
})
