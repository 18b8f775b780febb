import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe('clusters', () => {
  let world: World
  let disk: number[]
  beforeAll(async () => {
    world = await openWorld('postgres')
    disk = await world.jobs(3, { status: 'failed', error_code: 'DISK', error_message: 'disk 1 is \u001b[31mfull' })
    await world.jobs(2, { status: 'quarantined', error_message: 'timeout', domain: 'media' })
    await world.jobs(1, { status: 'processing', leased_until: null, worker_id: 'pod-1' })
  })
  afterAll(() => world?.stop())

  const terminal = (argv: string[], columns = 140) =>
    atTerminal(argv, { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }, columns })

  it('is TSV in a pipe, and the answer of the server with --json', async () => {
    const { code, out, err } = await world.jobsctl(['clusters'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(rows).toHaveLength(2)
    expect(rows[0]).toEqual([
      ...[expect.stringMatching(/^v2-[0-9a-f]{12}$/), 'failed', 'DISK', '3', '0'],
      ...[expect.stringMatching(/\.\d{3}Z$/), expect.stringMatching(/\.\d{3}Z$/), disk.toReversed().join(',')],
      ...['disk # is \\x1b[#mfull', 'false'],
    ])
    const json = JSON.parse((await world.jobsctl(['clusters', '--status', 'quarantined', '--json'])).out)
    expect(json).toMatchObject({
      clusters: [{ pattern: 'timeout', count: 2 }],
      expired_leases: [{ worker_id: 'pod-1' }],
    })
  })

  it('is a table at a terminal, with expired leases and the commands that go on', async () => {
    const { code, screen } = await terminal(['clusters'])
    expect(code).toBe(0)
    expect(screen).toMatch(/^CLUSTER +STATUS +COUNT .* PATTERN/)
    expect(screen).toMatch(/v2-[0-9a-f]{12} +failed +3 .* DISK +\d+ +disk # is \\x1b\[#mfull/)
    expect(screen).toMatch(/WORKER +TYPE +EXPIRED LEASES/)
    expect(screen).toMatch(/pod-1 +export +1 +no end/)
    expect(screen).toContain('running jobs with an expired lease: jobsctl stale')
    const [, next = ''] = /the jobs of a cluster: jobsctl (list --cluster \S+)/.exec(screen) ?? []
    const { out } = await world.jobsctl([...next.split(' '), '--ids', '--sort', 'created_at'])
    expect(out.trim().split('\n').map(Number).toSorted()).toEqual(disk)
    for (const line of (await terminal(['clusters'], 60)).screen.split('\n').slice(0, 3))
      expect(line.length).toBeLessThanOrEqual(60)
  })

  it('is a filter of changes: retry --cluster takes its jobs alone', async () => {
    const [cluster = ''] = (await world.jobsctl(['clusters', '--status', 'failed'])).out.split('\t')
    const { code, out } = await world.jobsctl(['retry', '--cluster', cluster, '--dry-run', '--json'])
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, affected: 3 })
    const wrong = await world.jobsctl(['retry', '--cluster', 'v3-0123456789ab', '--dry-run'])
    expect(wrong).toMatchObject({ code: 6, err: expect.stringContaining('of rules that this server does not have') })
  })

  it('is narrowed by its flags, and says where there is nothing', async () => {
    const count = async (...flags: string[]) =>
      (await world.jobsctl(['clusters', ...flags])).out.split('\n').filter(Boolean).length
    expect(await count('--domain', 'media')).toBe(1)
    expect(await count('--since', '1h')).toBe(0)
    expect(await count('--since', '100d', '--until', '2030-01-01')).toBe(2)
    expect(await count('--until', '2001-01-01')).toBe(0)
    expect(await count('--limit', '1')).toBe(2)
    // A flag before the command is the command's where it has it, although changes have one of the same name.
    for (const until of ['2001-01-01', '2030-01-01']) {
      const { code, out } = await world.jobsctl(['--until', until, '-y', 'clusters', '--domain', 'media'])
      expect({ code, rows: out.split('\n').length - 1 }).toEqual({ code: 0, rows: until < '2020' ? 0 : 1 })
    }
    for (const [since, until] of [
      ['1h', '2h'],
      ['2026-01-02', '2026-01-02T00:00:00Z'],
    ] as const)
      expect(await world.jobsctl(['clusters', '--since', since, '--until', until])).toMatchObject({
        code: 2,
        err: expect.stringMatching(
          /the range is empty: --since 2\S+Z is not before --until 2\S+Z\n.*--since 2h --until 1h/,
        ),
      })
    const { code, screen } = await terminal(['clusters', '--domain', 'medias'])
    expect(code).toBe(0)
    expect(screen).toContain('no failure in medias')
    expect(screen).toContain('did you mean --domain media?')
  })

  it.each([
    [['--status', 'done'], '--status: must be one of quarantined, failed, retrying'],
    [['--status', ''], '--status: must not be blank'],
    [['--since', 'yesterday'], '--since: must be a time'],
    [['--limit', '0'], '--limit: must be from 1 to 1000'],
  ])('refuses %j', async (flags, why) => {
    expect(await world.jobsctl(['clusters', ...flags])).toMatchObject({ code: 2, err: expect.stringContaining(why) })
  })

  it('prints its call with --curl', async () => {
    const { out } = await world.jobsctl(['clusters', '--status', 'failed', '--since', '2026-01-01T00:00:00Z', '--curl'])
    expect(out).toContain('"$BASE/api/v1/jobs/clusters?status=failed&since=2026-01-01T00%3A00%3A00Z"')
  })

  it('keeps its scope in the hint to the jobs of a cluster', async () => {
    const { screen } = await terminal(['clusters', '--domain', 'media'])
    const [, next = ''] = /the jobs of a cluster: jobsctl (.+)/.exec(screen) ?? []
    expect(next).toMatch(/^list --domain media --cluster v2-[0-9a-f]{12}$/)
    expect((await world.jobsctl([...next.split(' '), '--ids'])).out.split('\n')).toHaveLength(3)
  })

  it('shows a lower bound as one, says what was not read, and is not empty while failures were not read', async () => {
    const row = {
      ...{ cluster: 'v1-0123456789ab', status: 'failed', error_code: null, pattern: 'full', count: 96_000, groups: [] },
      ...{ owners: [], first_seen: null, last_seen: null, per_minute: 0, sample_ids: [1], at_least: true },
    }
    const not_read = [{ state: 'failed', before: '2026-11-20T10:00:00.5+00:00' }]
    const at = (clusters: object[]) =>
      fakeServer(() => ({
        body: { clusters, expired_leases: [], not_read },
        headers: { 'x-complete': 'false', 'x-scanned': '100001' },
      }))
    const asked = ['clusters', '--domain', 'shop', '--since', '30d']
    const table = await runAt(await at([row]), [...asked, '-o', 'table'])
    expect(table.out).toMatch(/failed +at least 96,000 /)
    expect(table.err).toContain('note: failed jobs from before 2026-11-20T10:00:00.5+00:00 were not read, so')
    expect(table.err).toMatch(
      /jobsctl clusters --domain shop --status failed --since 2\S+Z --until 2026-11-20T10:00:00.5\+00:00/,
    )
    const tsv = await runAt(await at([row]), asked)
    expect(tsv.out.trimEnd().split('\t').slice(-2)).toEqual(['full', 'true'])
    expect(tsv.err).toContain('the numbers are lower bounds')
    const empty = await runAt(await at([]), [...asked, '-o', 'table'])
    expect(empty.err).toContain('no failure in shop was found so far')
    expect(empty.err).toContain('were not read')
    const older = await fakeServer(() => ({
      body: { clusters: [], expired_leases: [] },
      headers: { 'x-complete': 'false', 'x-scanned': '100001' },
    }))
    const told = await runAt(older, [...asked, '-o', 'table'])
    expect(told.err).toContain('no failure in shop was found so far')
  })

  it('says where failures are missing, and that another server has no clusters', async () => {
    const { err } = await world.jobsctl(['clusters', '--limit', '1'])
    expect(err).toContain('of 5 failures that the server read, 2 are in no cluster here')
    const other = await fakeServer(() => ({ status: 404, body: { detail: 'Not Found' } }))
    expect(await runAt(other, ['clusters'])).toMatchObject({ code: 5 })
    const detail = [
      { type: 'int_parsing', loc: ['path', 'job_id'], msg: 'Input should be a valid integer', input: 'clusters' },
    ]
    const theirs = await fakeServer(() => ({ status: 422, body: { detail } }))
    expect(await runAt(theirs, ['clusters'])).toMatchObject({ code: 5, err: expect.stringContaining('has no GET') })
  })
})
