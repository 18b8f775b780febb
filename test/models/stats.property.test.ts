import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../support/database/database.ts'
import { ago } from '../support/database/job-row.ts'
import { insertRows } from '../support/database/tables.ts'
import { openWorld, paths, type World } from '../support/world.ts'

/** What a name may be in the table, where other programs write: anything PostgreSQL stores as text. */
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'B', 'ä', 'ae', '日本', '\u{1F4DA}', '%', '_', "o'k", 'a b', '') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0')) },
)

const job = fc.record({
  domain: name,
  queue: name,
  job_type: name,
  status: fc.constantFrom('queued', 'queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'),
  /** Seconds from now at which it is due. */
  due: fc.option(fc.oneof(fc.integer({ min: -100_000, max: -1 }), fc.integer({ min: 3600, max: 100_000 }))),
})
type Job = typeof job extends fc.Arbitrary<infer T> ? T : never

/** What a request can filter by: a blank filter does not filter, and surrounding white space is trimmed. */
const askable = (text: string) => text !== '' && text.trim() === text && !/\p{Cc}/u.test(text)

const keyOf = ({ domain, queue, job_type }: Pick<Job, 'domain' | 'queue' | 'job_type'>) =>
  JSON.stringify([domain, queue, job_type])

/** GROUP BY, once more, without a database. */
function expected(jobs: Job[]) {
  const groups = new Map<string, Job[]>()
  for (const job of jobs) groups.set(keyOf(job), [...(groups.get(keyOf(job)) ?? []), job])
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { domain, queue, job_type } = first
    const count = (test: (job: Job) => boolean) => group.filter(test).length
    return {
      ...{ domain, queue, job_type },
      queued: count(({ status, due }) => status === 'queued' && (due === null || due <= 0)),
      scheduled: count(({ status, due }) => status === 'queued' && due !== null && due > 0),
      processing: count(({ status }) => status === 'processing'),
      quarantined: count(({ status }) => status === 'quarantined'),
    }
  })
  return rows.sort((a, b) => bytes(a.domain, b.domain) || bytes(a.queue, b.queue) || bytes(a.job_type, b.job_type))
}

/** UTF-8 sorts as code points do. */
const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

describe.each(kinds)('stats on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('equal a count of the rows by hand, whatever the rows and the filter', async () => {
    const filter = fc.constantFrom('domain', 'queue', 'job_type')
    const table = fc.array(job, { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(table, fc.uniqueArray(filter, { maxLength: 3 }), fc.nat(), async (jobs, filters, pick) => {
        await world.clear()
        await insertRows(
          world.sql,
          jobs.map(({ due, ...row }) => ({ ...row, available_at: due === null ? null : ago(-due), uuid: null })),
        )
        const model = jobs[pick % Math.max(jobs.length, 1)]
        const filtered = filters.filter((field) => model && askable(model[field]))
        const query = new URLSearchParams(Object.fromEntries(filtered.map((field) => [field, model?.[field] ?? ''])))
        const inScope = jobs.filter((row) => filtered.every((field) => row[field] === model?.[field]))

        const answer = await world.call('GET', `${paths.stats}?${query}`)

        expect(answer.body).toEqual(expected(inScope))
      }),
      { numRuns: 40 },
    )
  })
})
