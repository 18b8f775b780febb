import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(['postgres'] as const)('a part of an operation on %s', (kind) => {
  let world: World
  let low: number[]
  let id: string
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    low = await world.jobs(3, { queue: 'low' })
    await world.jobs(2, { queue: 'high' })
    const { out } = await world.jobsctl(['prune', '--domain', 'chatbooks', '--yes', '--json'])
    id = String(JSON.parse(out).operation_ids[0])
  })

  const idsFile = async (text: string) => {
    const path = join(await newFolder('ids'), 'ids')
    await writeFile(path, text)
    return path
  }

  it('is given back by its scope, then the rest', async () => {
    const part = ['undo', id, '--domain', 'chatbooks', '--queue', 'low']
    const refused = await world.jobsctl(part)
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining(`jobsctl ${part.join(' ')} --yes\n`) })
    const done = await world.jobsctl([...part, '--yes'])
    expect(done).toEqual({ code: 0, out: `gave back 3 jobs of operation ${id} in chatbooks/low\n`, err: '' })
    const again = await world.jobsctl([...part, '--yes'])
    expect(again).toMatchObject({
      code: 6,
      err: expect.stringContaining(
        `operation ${id} has no job in this part that can be given back; nothing was changed`,
      ),
    })
    const json = await world.jobsctl(['undo', id, '--queue', 'high', '--dry-run', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ operation_undone: Number(id), queue: 'high', affected: 2 })
    const rest = await world.jobsctl(['undo', id, '--yes'])
    expect(rest).toEqual({ code: 0, out: `gave back 2 jobs of operation ${id}\n`, err: '' })
    expect(await world.jobsctl(['undo', id, '--yes'])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`operation ${id} was undone by operation`),
    })
    expect(await world.jobsctl(['operations', 'verify'])).toMatchObject({ code: 0 })
  })

  it('is given back by ids of a file or of stdin, and a plan keeps to them', async () => {
    const path = await idsFile(`${low[0]}\n\n${low[0]}\n999999\n`)
    const dry = await world.jobsctl(['undo', id, '--ids-file', path, '--dry-run'])
    expect(dry).toEqual({
      code: 0,
      out: `would give back 1 job of operation ${id}\n`,
      err: `note: 1 id of --ids-file: nothing of operation ${id} is kept for it\n`,
    })
    const plan = join(await newFolder('plan'), 'plan.json')
    await world.jobsctl(['undo', id, '--ids-file', path, '--dry-run', '--plan-out', plan])
    expect(await world.jobsctl(['apply', plan, '--yes'])).toMatchObject({
      code: 0,
      out: `gave back 1 job of operation ${id}\n`,
    })
    const stdin = await world.jobsctl(['undo', id, '--ids-file', '-', '--yes'], { stdin: `${low[1]}\n${low[2]}` })
    expect(stdin).toMatchObject({ code: 0, out: `gave back 2 jobs of operation ${id}\n` })
    expect((await world.rows()).map((row) => Number(row.id)).sort()).toEqual(low.map(Number).sort())
  })

  it.each([
    ['--domain', ''],
    ['--queue', ' '],
    ['--ids-file', '/nowhere/ids'],
  ])('is refused with %s %j, and nothing is given back', async (flag, value) => {
    expect(await world.jobsctl(['undo', id, flag, value, '--yes'])).toMatchObject({ code: 2, out: '' })
    expect(await world.count()).toBe(0)
  })

  it('operations are listed by time and caller', async () => {
    const ids = async (argv: string[]) => {
      const { code, out } = await world.jobsctl(['operations', ...argv, '--json'])
      return code === 0 ? JSON.parse(out).map((record: { id: number }) => record.id) : code
    }
    await world.sql`update job_operations set started_at = now() - interval '3 hours' where id = ${id}::bigint`
    expect(await ids(['--since', '4h', '--kind', 'prune'])).toContain(Number(id))
    expect(await ids(['--since', '2h'])).not.toContain(Number(id))
    expect(await ids(['--caller', 'single-user'])).toContain(Number(id))
    expect(await ids(['--caller', 'nobody'])).toEqual([])
    for (const bad of [
      ['--since', 'soon'],
      ['--caller', ''],
      ['--since', ''],
    ])
      expect(await ids(bad)).toBe(2)
    expect((await world.jobsctl(['operations', 'verify', '--caller', 'x'])).code).toBe(2)
  })

  it('is kept longer, and says until when', async () => {
    const keep = (argv: string[]) => world.jobsctl(['operations', 'keep', ...argv])
    const time = /^operation \d+ can be undone until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$/
    expect(await keep([id, '--until', '30d'])).toEqual({ code: 0, out: expect.stringMatching(time), err: '' })
    const { out } = await keep([id, '--until', '2d', '--json'])
    expect(JSON.parse(out)).toMatchObject({ id: Number(id) })
    expect(Date.parse(JSON.parse(out).kept_until)).toBeGreaterThan(Date.now() + 29 * 86_400_000)
    expect(await keep([id, '--until', '30d', '--curl'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`/api/v1/jobs/operations/${id}/keep"`),
    })
    expect(await keep([id])).toMatchObject({ code: 2, err: expect.stringContaining('operations keep needs --until') })
    expect((await keep([])).code).toBe(2)
    for (const until of ['soon', '-1d', '2020-01-01T00:00:00Z', '9999d']) {
      expect(await keep([id, `--until=${until}`]), until).toMatchObject({ code: 2, out: '' })
    }
    expect((await world.jobsctl(['operations', '--until', '30d'])).code).toBe(2)
    await world.jobsctl(['undo', id, '--yes'])
    expect(await keep([id, '--until', '30d'])).toMatchObject({ code: 6, out: '' })
  })

  it('--refused-to writes what cannot come back to a new file of its own', async () => {
    const [first = 0, second = 0] = low
    for (const job of [first, second]) await world.jobs(1, { id: job, queue: 'low', status: 'queued' })
    const folder = await newFolder('refused')
    const line = (job: number) => `${JSON.stringify({ id: Number(job), reason: 'its id is taken' })}\n`
    const refusedTo = (path: string, argv: string[]) => world.jobsctl(['undo', id, '--refused-to', path, ...argv])

    const dry = join(folder, 'dry')
    expect(await refusedTo(dry, ['--dry-run'])).toMatchObject({ code: 0 })
    expect(await readFile(dry, 'utf8')).toBe(line(first) + line(second))
    expect((await stat(dry)).mode & 0o777).toBe(0o600)
    expect(await refusedTo(dry, ['--yes'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not overwritten'),
    })
    expect(await world.count()).toBe(2)
    for (const bad of ['-', '/nowhere/file', '/dev/stdout']) expect((await refusedTo(bad, ['--yes'])).code).toBe(2)
    expect((await refusedTo(join(folder, 'curl'), ['--curl'])).code).toBe(2)

    const unasked = join(folder, 'unasked')
    expect(await refusedTo(unasked, [])).toMatchObject({ code: 3 })
    await expect(stat(unasked)).rejects.toThrow('ENOENT')

    const gone = join(folder, 'gone')
    expect(await world.jobsctl(['undo', '999999', '--refused-to', gone, '--yes'])).toMatchObject({ code: 5 })
    await expect(stat(gone)).rejects.toThrow('ENOENT')

    const ids = await idsFile(`${second}\n`)
    const none = join(folder, 'none')
    expect(await refusedTo(none, ['--ids-file', ids, '--yes'])).toMatchObject({ code: 6 })
    expect(await readFile(none, 'utf8')).toBe(line(second))
    const done = join(folder, 'done')
    expect(await refusedTo(done, ['--yes'])).toMatchObject({ code: 9 })
    expect(await readFile(done, 'utf8')).toBe(line(first) + line(second))
    expect(await world.count()).toBe(5)
  })
})
