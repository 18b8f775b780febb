import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mostRead, walk } from '../../../server/history/walk.ts'

const step = 60

/** How many jobs each step of a range has. */
const ranges = fc.array(fc.oneof(fc.nat(1000), fc.nat(mostRead), fc.constant(0)), { minLength: 1, maxLength: 60 })

it('reads the newest steps of a range, each once, as far as there is room', async () => {
  await fc.assert(
    fc.asyncProperty(ranges, fc.boolean(), async (jobs, isIndexed) => {
      const to = jobs.length * step
      let largest = 0
      const { from, rows, read } = await walk({ from: 0, to, step }, isIndexed, async (begin, end, most) => {
        const steps = jobs.slice(begin / step, end / step)
        const all = steps.reduce((sum, count) => sum + count, 0)
        largest = Math.max(largest, Math.min(all, most + 1))
        const rows = steps.map((count, nth) => ({
          ...{
            at: begin + nth * step,
            from_status: '',
            to_status: 'queued',
            jobs: count,
            milliseconds: 0,
            buckets: null,
          },
        }))
        return { read: Math.min(all, most + 1), rows: all > most ? [] : rows, kept: null }
      })
      const within = jobs.slice(from / step)
      expect(rows.toSorted((one, other) => one.at - other.at).map(({ jobs: count }) => count)).toEqual(within)
      expect(read).toBe(within.reduce((sum, count) => sum + count, 0))
      expect(read).toBeLessThanOrEqual(mostRead)
      expect(largest).toBeLessThanOrEqual(mostRead + 1)
      // One step more would have been too many.
      if (from > 0) expect(read + (jobs[from / step - 1] ?? 0)).toBeGreaterThan(mostRead)
    }),
  )
})
