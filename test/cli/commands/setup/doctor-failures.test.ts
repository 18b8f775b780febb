import { describe, expect, it } from 'vitest'
import { runAt } from '../../../support/fakes/change-server.ts'
import { type FakeServer, fakeServer, jobsAnswer, type Reply } from '../../../support/fakes/fake-server.ts'

/** A server whose report on storage is what `answer` gives, by how often it was asked for it. */
const serverWith = (answer: (nth: number) => Reply): Promise<FakeServer> => {
  let asked = 0
  return fakeServer(({ path }) => {
    if (path.endsWith('/storage')) return answer(++asked)
    if (/\/(counts|indexes|missing|caller|engine|cursors|policy)$/.test(path))
      return { status: 404, body: { detail: 'Not Found' } }
    return path.includes('/stats') ? { body: [] } : jobsAnswer(0)
  })
}

const refusal = (code: string, detail: string, more: object = {}): Reply => ({
  status: 503,
  headers: { 'retry-after': '0' },
  body: { code, detail, ...more },
})
const fine: Reply = { body: { archive_before_delete: true, archive_days: 7, tables: [], frozen: null } }
const asksFor = ({ requests }: FakeServer, end: string) => requests.filter(({ path }) => path.endsWith(end)).length
const failedIn = (out: string) => out.split('\n').filter((line) => line.includes('\tfailed\t'))

describe('doctor on calls that fail', () => {
  it.each([
    ['database_busy', 'other transactions hold locks that this call needs'],
    ['shutting_down', 'the server is shutting down; nothing was changed'],
    ['database_unavailable', 'the database cannot be reached; nothing was changed'],
  ])('waits for what passes: %s', async (code, detail) => {
    const server = await serverWith((nth) => (nth === 1 ? refusal(code, detail) : fine))
    const { code: exit, out } = await runAt(server, ['doctor'])
    expect(failedIn(out)).toEqual([])
    expect(out).toContain('state\tok\tthe database is not frozen')
    expect(exit).toBe(0)
  })

  it.each([
    ['the database cannot be reached', 'the database cannot be reached'],
    ['a server of version 0.1 says that the database refuses a call', 'the database refused this call'],
  ])('ends with one line where %s', async (_, detail) => {
    const server = await serverWith(() => refusal('database_unavailable', detail))
    const { code, out } = await runAt(server, ['doctor'])
    expect(code).toBe(7)
    expect(failedIn(out)).toEqual([expect.stringContaining(`state\tfailed\t${detail} (3 attempts)\t`)])
    expect(out).not.toContain('\ncounts\t')
  })

  it('goes on at once where the database refuses a call', async () => {
    const server = await serverWith(() =>
      refusal('database_unavailable', 'a sentence of any words', { refused_by_database: true }),
    )
    const { code, out } = await runAt(server, ['doctor'])
    expect(code).toBe(7)
    const checks = ['state', 'rights', 'events', 'audit', 'history', 'replica']
    expect(failedIn(out).map((line) => line.split('\t')[0])).toEqual(checks)
    expect(asksFor(server, '/storage')).toBe(checks.length)
    expect(out).toContain('\npolicy\t')
  })
})
