import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { codeOf, paths, previewOf, resultOf } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { clear, countJobs, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

const changes = [
  { kind: 'prune', path: paths.prune, body: { domain: 'chatbooks' }, status: 'completed' },
  { kind: 'sweep', path: paths.sweep, body: { domain: 'chatbooks', age_seconds: 60 }, status: 'queued' },
  { kind: 'requeue', path: paths.requeue, body: { domain: 'chatbooks' }, status: 'quarantined' },
] as const

inBothOrders(
  ({ one }) => `a preview token of the ${one} server`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    it.each(changes)(`holds a $kind of the ${other} server to the jobs of the preview, once`, async (change) => {
      const { sql, one, other } = pair
      const { path, body, status } = change
      await insertJobs(sql, { n: 7, status })
      const { token, count } = previewOf(await one.post(path, { ...body, dry_run: true }))
      expect(count).toBe(7)
      await insertJobs(sql, { n: 2, status })
      const request = { ...body, preview_token: token }
      expect(resultOf(await other.change(path, request)).affected).toBe(7)
      for (const side of [one, other]) expect(codeOf(await side.change(path, request))).toBe('409 preview_stale')
      expect(previewOf(await one.post(path, { ...body, dry_run: true })).count).toBe(2)
      expect(await readRecords(sql)).toMatchObject([{ kind: change.kind, affected: 7 }])
    })

    it(`holds an undo of the ${other} server`, async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 4 })
      const { operation } = resultOf(await other.change(paths.prune, {}))
      const { token, count } = previewOf(await one.post(paths.undo(operation), { dry_run: true }))
      expect(count).toBe(4)
      expect(resultOf(await other.change(paths.undo(operation), { preview_token: token })).affected).toBe(4)
      expect(await countJobs(sql)).toBe(4)
    })

    it(`is refused by the ${other} server for other filters, and where it was altered`, async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 4 })
      const { token } = previewOf(await one.post(paths.prune, { domain: 'chatbooks', dry_run: true }))
      const [body = '', signature] = token.split('.')
      const altered = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"count":4', '"count":5')).toString(
        'base64url',
      )
      for (const request of [
        { preview_token: token },
        { domain: 'chatbooks', older_than_days: 31, preview_token: token },
        { domain: 'chatbooks', preview_token: `${altered}.${signature}` },
      ]) {
        expect(codeOf(await other.change(paths.prune, request)), JSON.stringify(request)).toMatch(/^(409|422) /)
      }
      expect(await countJobs(sql)).toBe(4)
    })
  },
)
