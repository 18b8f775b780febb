import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(['postgres'] as const)('what was changed can be planned, looked up and taken back on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const prune = ['prune', '--domain', 'chatbooks']
  const idOf = (out: string): string => String(JSON.parse(out).operation_ids[0])

  it('undo gives back what a prune took, row by row', async () => {
    await world.jobs(5)
    const before = await world.rows()
    const done = await world.jobsctl([...prune, '--yes', '--json'])
    expect(await world.count()).toBe(0)

    const undone = await world.jobsctl(['undo', idOf(done.out), '--yes'])
    expect(undone).toEqual({ code: 0, out: `gave back 5 jobs of operation ${idOf(done.out)}\n`, err: '' })
    expect(await world.rows()).toEqual(before)
    expect(await world.jobsctl(['undo', idOf(done.out), '--yes'])).toMatchObject({ out: '' })
  })

  it('operations tells who did what and why, and verify that nobody touched the record', async () => {
    await world.jobs(5)
    const done = await world.jobsctl([...prune, '--yes', '--json', '--reason', 'nächtlich 📚'])
    const [list, one, verify] = await Promise.all([
      world.jobsctl(['operations', '--domain', 'chatbooks', '--kind', 'prune', '--limit', '1']),
      world.jobsctl(['operations', idOf(done.out)]),
      world.jobsctl(['operations', 'verify']),
    ])
    expect(list.out.split('\t')).toEqual(expect.arrayContaining([idOf(done.out), 'prune', 'done', '5', 'nächtlich 📚']))
    expect(one.out.split('\n')).toEqual(expect.arrayContaining(['affected\t5', 'now.archived\t5']))
    expect(verify).toMatchObject({ code: 0, err: '', out: expect.stringContaining('none is missing') })
  })

  it('says where the list ends before the records do', async () => {
    for (const verb of ['pause', 'resume', 'pause']) await world.jobsctl([verb, 'chatbooks/default', '--create'])
    const list = (...argv: string[]) => world.jobsctl(['operations', ...argv])
    expect((await list('--limit', '2')).err).toBe(
      'note: the newest 2 records; more match: raise --limit (1000 at most)\n',
    )
    expect((await list('--limit', '3')).err).toBe('')
    expect((await list('--limit', '2', '--json')).err).toContain('the newest 2 records')
    expect(JSON.parse((await list('--limit', '2', '--json')).out)).toHaveLength(2)
  })

  it('export writes a line of JSON for each record of a time, whatever the output format, and says where it ended', async () => {
    for (const verb of ['pause', 'resume'])
      await world.jobsctl([verb, 'chatbooks/default', '--create', '--reason', 'schön \u202e"quoted"'])
    const all = await world.jobsctl(['operations', 'export', '--since', '1h', '--json'])
    const lines = all.out.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['queue.paused', 'queue.resumed'])
    expect(all.err).toContain(`2 records; the last hash is ${JSON.parse(lines[1] ?? '').hash}`)
    const none = await world.jobsctl(['operations', 'export', '--until', '1h'])
    expect(none).toMatchObject({ code: 0, out: '', err: expect.stringContaining('no record') })
    for (const argv of [['--limit', '5'], ['--kind', 'acts'], ['--since', 'monday'], ['--expect', 'x'], ['17']])
      expect(await world.jobsctl(['operations', 'export', ...argv]), argv.join(' ')).toMatchObject({ code: 2, out: '' })
  })

  it('a plan is applied once, to the jobs that it was made of', async () => {
    await world.jobs(3)
    const path = join(await newFolder('plan'), 'plan.json')
    expect(await world.jobsctl([...prune, '--dry-run', '--plan-out', path])).toMatchObject({ code: 0 })
    expect(await readFile(path, 'utf8')).toContain('"jobsctl_plan": 1')
    const later = await world.jobs(2)

    const applied = await world.jobsctl(['apply', path, '--yes'])
    expect(applied).toEqual({ code: 0, out: 'deleted 3 jobs in chatbooks\n', err: '' })
    expect((await world.rows()).map(({ id }) => Number(id)).sort()).toEqual(later.map(Number).sort())
    expect(await world.jobsctl(['apply', path, '--yes'])).toMatchObject({ code: 6, out: '' })
    expect(await world.count()).toBe(2)
  })

  it('canaries that nobody works off in time hold the rest back', async () => {
    await world.jobs(5, { status: 'quarantined' })
    const argv = ['requeue', '--domain', 'chatbooks', '--canary', '2', '--canary-wait', '1s', '--yes']
    const run = await world.jobsctl(argv)
    expect(run).toMatchObject({
      code: 9,
      err: expect.stringContaining('2 queued after 1 s; the other 3 jobs were not changed'),
    })
    const states = (await world.rows()).map(({ status }) => status).sort()
    expect(states).toEqual(['quarantined', 'quarantined', 'quarantined', 'queued', 'queued'])
  })
})
