import { describe, expect, it } from 'vitest'
import { envOf, recordOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer, type Reply } from '../../support/fakes/fake-server.ts'
import { atTerminal } from '../../support/programs/terminal.ts'

const { now: _, ...record } = recordOf()
const undone = { ...record, id: 18, kind: 'undo', domain: null, undoes: 17, state: 'partial', reason: null }
const listServer = (body: unknown = [undone, record]) => fakeServer(() => ({ body }))

describe('operations', () => {
  it('lists the newest first: TSV for programs, and the answer unchanged with --json', async () => {
    const server = await listServer()
    const [tsv, json] = await Promise.all([runAt(server, ['operations']), runAt(server, ['operations', '--json'])])
    expect(tsv).toEqual({
      code: 0,
      out:
        '18\t2026-11-24T12:00:00.000Z\tundo\tpartial\t\t\t\t200\tapi_key\t\t2026-11-24T12:00:09.000Z\t17\t\n' +
        '17\t2026-11-24T12:00:00.000Z\tprune\tdone\tchatbooks\t\t\t200\tapi_key\tnightly\t2026-11-24T12:00:09.000Z\t\t\n',
      err: '',
    })
    expect(JSON.parse(json.out)).toEqual([undone, record])
  })

  it('at a terminal is a table: who, what, when and why', async () => {
    const server = await listServer()
    const { code, screen } = await atTerminal(['operations'], { env: envOf(server) })
    expect(code).toBe(0)
    expect(screen).toMatch(/^ID +WHEN +KIND +SCOPE +STATE +JOBS +BY +REASON\n/)
    expect(screen).toMatch(/\n18 +.+ undo +operation 17 +partial +200 +api_key\n/)
    expect(screen).toMatch(/\n17 +.+ prune +chatbooks +done +200 +api_key +nightly\n/)
    const empty = await listServer([])
    const none = await atTerminal(['operations', '--domain', 'a'], { env: envOf(empty) })
    expect(none.screen).toContain('no operations in a')
  })

  it('passes its filters on, and refuses what the server would', async () => {
    const server = await listServer([])
    const words = [
      '--domain',
      'a',
      '--queue',
      'q',
      '--job-type',
      't',
      '--kind',
      'prune',
      '--state',
      'done',
      '--limit',
      '3',
    ]
    await runAt(server, ['operations', ...words])
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/api/v1/jobs/operations?domain=a&queue=q&job_type=t&kind=prune&state=done&limit=3',
    ])
    const wrong = [
      ['--kind', 'drop'],
      ['--state', 'odd'],
      ['--limit', '0'],
      ['--limit', '1001'],
    ]
    const runs = await Promise.all(wrong.map((more) => runAt(server, ['operations', ...more])))
    for (const [at, run] of runs.entries()) {
      expect(run).toMatchObject({ code: 2, err: expect.stringContaining(`error: ${wrong[at]?.[0]}: must be`) })
    }
    const curl = await runAt(server, ['operations', '--kind', 'prune', '--curl'])
    expect(curl.out).toContain('curl -X GET "$BASE/api/v1/jobs/operations?kind=prune"')
    expect(server.requests).toHaveLength(1)
  })

  it('shows one with what has become of its jobs; one that is not there is exit 5', async () => {
    const server = await listServer(recordOf({ now: { queued: 3, completed: 197 } }))
    const run = await runAt(server, ['operations', '17'])
    expect(run.code).toBe(0)
    expect(server.requests[0]?.path).toBe('/api/v1/jobs/operations/17')
    const rows = run.out.split('\n')
    for (const row of ['id\t17', 'reason\tnightly', 'counts.deleted\t200', 'now.queued\t3', 'now.completed\t197']) {
      expect(rows).toContain(row)
    }
    expect(rows).toContain('filters\t{"older_than_days":30}')
    const none = await fakeServer(() => ({ status: 404, body: { detail: 'there is no operation 17' } }))
    expect(await runAt(none, ['operations', '17'])).toMatchObject({ code: 5 })
    expect(await runAt(none, ['operations', 'abc'])).toMatchObject({ code: 2 })
    expect(await runAt(none, ['operations', '17', '--kind', 'prune'])).toMatchObject({ code: 2 })
  })

  it('verify: a sentence when all is as sealed, and exit 1 with the days that are not', async () => {
    const day = (name: string, broken: number[] = [], missing = 0) => ({ day: name, operations: 4, broken, missing })
    const good = { ok: true, operations: 8, days: [day('2026-11-23'), day('2026-11-24')] }
    const bad = { ok: false, operations: 8, days: [day('2026-11-23'), day('2026-11-24', [17, 18], 1)] }
    const [fine, broken] = await Promise.all([listServer(good), listServer(bad)])
    const runs = await Promise.all([
      runAt(fine, ['operations', 'verify']),
      runAt(fine, ['operations', 'verify', '--json']),
      runAt(broken, ['operations', 'verify']),
      runAt(broken, ['operations', 'verify', '--json', '-q']),
    ])
    expect(runs[0]).toEqual({
      code: 0,
      out: '8 operations on 2 days: every record is unaltered, none is missing\n',
      err: '',
    })
    expect(JSON.parse(runs[1]?.out ?? '')).toEqual(good)
    expect(runs[2]).toEqual({
      code: 1,
      out: '2026-11-24\t4\t1\t17 18\n',
      err: 'the records of 1 day were altered or removed\n',
    })
    expect(runs[3]).toEqual({ code: 1, out: '', err: '' })
  })
})

describe('doctor on the history', () => {
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000 + 600_000).toISOString()
  const table = (name: string, rows: number, bytes: number, days: number) => ({
    ...{ table: name, rows, bytes, oldest: ago(days) },
  })
  const tables = (archiveDays = 7, eventBytes = 500e6) => [
    table('jobs', 9000, 900e6, 40),
    table('job_events', 1_200_000, eventBytes, 30),
    table('jobs_archive', 14_000, 45e6, archiveDays),
  ]
  const stored = (more: object = {}) => ({ archive_before_delete: true, archive_days: 7, tables: tables(), ...more })
  const doctorOf = async (answer: Reply) => {
    const server = await fakeServer(({ path }) => {
      if (path.endsWith('/storage')) return answer
      if (/\/(counts|engine|indexes|missing|caller|cursors|policy)$/.test(path))
        return { status: 404, body: { detail: 'Not Found' } }
      return path.includes('/stats') ? { body: [] } : jobsAnswer(0)
    })
    const { code, out } = await runAt(server, ['doctor'])
    return `${code} ${out.split('\n').find((line) => line.startsWith('history'))}`
  }

  it('tells how much there is and how it grows, and warns of what will not do', async () => {
    const [fine, off, behind, big, old] = await Promise.all([
      doctorOf({ body: stored() }),
      doctorOf({ body: stored({ archive_before_delete: false }) }),
      doctorOf({ body: stored({ tables: tables(20) }) }),
      doctorOf({ body: stored({ tables: tables(7, 1.5e9) }) }),
      doctorOf({ status: 404, body: { detail: 'Not Found' } }),
    ])
    expect(fine).toMatch(/^0 history\tok\t.*job_events about 1,200,000 rows, 500 MB, about 40,0\d\d a day; /)
    expect(fine).toMatch(/jobs_archive about 14,000 rows, 45 MB, kept 7 days, oldest 6 days, about 2,00\d a day/)
    expect(off).toMatch(
      /^0 history\twarning\t.+\ta prune cannot be undone; .+: JOBS_ARCHIVE_BEFORE_DELETE=true jobs-server$/,
    )
    expect(behind).toMatch(
      /^0 history\twarning\t.+\tthe oldest archived row is 19 days old, and rows are kept for 7 days/,
    )
    expect(big).toMatch(/^0 history\twarning\t.+1.5 GB.+\tjob_events is larger than jobs: shorten/)
    expect(old).toBe(
      '0 history\twarning\tthis server does not report it\tnormal for an older jobs-server, and for a server of another program',
    )
  })
})
