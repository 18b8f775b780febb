import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quickModule } from '../../../scripts/build/quick-endpoints.ts'
import * as queues from '../../../shared/queues/queues.ts'
import * as stale from '../../../shared/queues/stale.ts'
import * as stats from '../../../shared/queues/stats.ts'
import * as workers from '../../../shared/queues/workers.ts'

/** The module that the build makes of a file, and whether it has loaded that file. */
function built<Exported extends Readonly<Record<string, unknown>>>(exported: Exported) {
  const use = { isLoaded: false }
  const load = () => {
    use.isLoaded = true
    return exported
  }
  const made: { exports?: Exported } = {}
  new Function('require', 'module', quickModule('a file', exported))(load, made)
  const { exports: quick } = made
  if (!quick) throw new Error('the module that the build makes exports nothing')
  return { quick, use }
}

const text = fc.constantFrom('', 'a', ' a ', 'ü\u0000', '2026-01-01T00:00:00Z', 'x'.repeat(129))
const count = fc.nat()
const time = fc.option(text)
const place = { domain: text, queue: text }
const record = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> => fc.record(fields)

/** Each endpoint, and the rows of its response. */
const endpoints = [
  {
    ...{ name: 'stats', quick: built(stats).quick.stats, whole: stats.stats },
    row: record({
      ...place,
      job_type: text,
      queued: count,
      scheduled: count,
      processing: count,
      quarantined: count,
    }),
  },
  {
    ...{ name: 'stoppedQueues', quick: built(queues).quick.stoppedQueues, whole: queues.stoppedQueues },
    row: record({ ...place, paused: fc.boolean(), drain: fc.boolean(), updated_at: time, reason: time }),
  },
  {
    ...{ name: 'staleQueues', quick: built(stale).quick.staleQueues, whole: stale.staleQueues },
    row: record({ ...place, count, oldest: fc.option(time, { nil: undefined }) }),
  },
  {
    ...{ name: 'listWorkers', quick: built(workers).quick.listWorkers, whole: workers.listWorkers },
    row: record({
      ...{ worker_id: time, leases: count, expired: count, oldest_lease_at: time, last_asked_at: time },
      ...{ last_acquired_at: time, last_renewed_at: time, done_15m: count, failed_15m: count },
      queues: fc.array(record(place)),
    }),
  },
]

const value = fc.oneof(text, fc.constantFrom(7, -1, 1.5, 2 ** 53, null, true, undefined), fc.jsonValue())

/** A value for some of the fields, or for one that no response has. */
const oddFields = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names, 'unknown', '__proto__'), value)

describe.each(endpoints)('$name as the build writes it for the command line', ({ quick, whole, row }) => {
  it('reads the rows of its response', () => {
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        expect(quick.output.safeParse(rows).data).toEqual(rows)
      }),
    )
  })

  it('reads every value as its schemas do, with the same errors', () => {
    const oddRow = row.chain((sent) => oddFields(Object.keys(sent)).map((odd) => ({ ...sent, ...odd })))
    const anything = fc.oneof(fc.array(oddRow, { maxLength: 3 }), oddFields(['domain', 'queue', 'job_type']), value)
    fc.assert(
      fc.property(anything, (value) => {
        for (const side of ['input', 'output'] as const) {
          const reads = [quick, whole].map((one) => one[side].safeParse(value, { reportInput: true }))
          const [read, expected] = reads.map(({ data, error }) => [data, error?.issues])
          expect(isDeepStrictEqual(read, expected)).toBe(true)
        }
      }),
    )
  })

  it('has the same other values', () => {
    const { input: _in, output: _out, changes, ...rest } = quick
    expect(whole).toMatchObject(rest)
    expect(changes({})).toBe(whole.changes({}))
  })
})

it('does not load the schemas for a read without filters and its response', () => {
  const { quick, use } = built(stats)
  const row = { domain: 'a', queue: 'b', job_type: 'c', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
  expect(quick.stats.input.parse({})).toEqual({})
  expect(quick.stats.output.safeParse([row]).data).toEqual([row])
  expect(use.isLoaded).toBe(false)
  expect(() => quick.stats.input.parse({ domain: '' })).not.toThrow()
  expect(() => quick.stats.input.parse({ domain: '\u0000' })).toThrow('must not contain control characters')
  expect(use.isLoaded).toBe(true)
})

it('leaves what is no read as it is', () => {
  const { quick, use } = built(queues)
  expect(use.isLoaded).toBe(false)
  expect(quick.controlQueue).toBe(queues.controlQueue)
  expect(quick.queueStatus).toBe(queues.queueStatus)
})
