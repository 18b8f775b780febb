import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

/** Failures are read by the index of ended jobs for clusters, and as jobs, from our columns, for the list of a cluster. */
let served: ServedTables
beforeAll(async () => {
  served = await serveTables(async (sql) => {
    await makeBullMq({ sql, version: 11 })
    await sql`
      insert into bullmq.job (queue, id, seq, name, state, attempts_made, failed_reason, added_at_ms, processed_at_ms, finished_at_ms)
      select queue, n, n, name, state, attempts, reason, at - n * 60000, at - n * 50000 + processed, case when is_finished then at - n * 40000 end
      from (select (extract(epoch from now()) * 1000)::bigint as at) as now
      cross join (
        select row_number() over () as n, *
        from unnest(array[${oddQueues.plain}::text, ${oddQueues.odd}, ${oddQueues.long}, '']) as queues (queue)
        cross join unnest(array['welcome', '']) as names (name)
        cross join unnest(enum_range(null::bullmq.job_state)) as states (state)
        cross join unnest(array[0, 2]) as attempts (attempts)
        cross join unnest(array[null, '', 'no answer from 10.0.0.1', repeat('é"', 700) || ' 12']) as reasons (reason)
        cross join unnest(array[null, 0]) as times (processed)
        cross join unnest(array[false, true]) as ends (is_finished)
      ) as facts`
  })
})
afterAll(() => served.close())

const Job = z.looseObject({
  ...{ id: z.string(), queue: z.string(), status: z.string(), retry_count: z.number() },
  ...{ created_at: z.string(), completed_at: z.string().nullable(), updated_at: z.string() },
})
const Clusters = z.looseObject({
  clusters: z.array(
    z.looseObject({
      ...{ cluster: z.string(), status: z.string(), count: z.number(), sample_ids: z.array(z.string()) },
      ...{ first_seen: z.string(), last_seen: z.string(), queue_count: z.number() },
    }),
  ),
})

const listed = async (query: Record<string, string>) => {
  const jobs: z.output<typeof Job>[] = []
  let next: string | undefined = new URLSearchParams({ limit: '1000', ...query }).toString()
  while (next !== undefined) {
    const { status, body, headers } = await served.get(`/api/v1/jobs/list?${next}`)
    expect(status).toBe(200)
    jobs.push(...z.array(Job).parse(body))
    next = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
  }
  return jobs
}
/** When a job failed, as clusters have it. */
const seen = ({ status, created_at, completed_at, updated_at }: z.output<typeof Job>) =>
  Date.parse(status === 'queued' ? updated_at : (completed_at ?? created_at))
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

it.each<{ queue?: string; status?: string; since?: string; until?: string }>([
  {},
  ...Object.values(oddQueues).map((queue) => ({ queue })),
  { status: 'failed' },
  { status: 'retrying' },
  { since: hoursAgo(12), until: hoursAgo(4) },
])('clusters of failures of BullMQ have the jobs that the list of each has: %j', async (scope) => {
  const { clusters } = Clusters.parse((await served.get('/api/v1/jobs/clusters', scope)).body)
  const { status, since, until, ...queue } = scope
  const isSeen = (job: z.output<typeof Job>) =>
    !since || !until || (seen(job) >= Date.parse(since) && seen(job) < Date.parse(until))
  const failed = status === 'retrying' ? [] : await listed({ ...queue, status: 'failed' })
  const queued = status === 'failed' ? [] : await listed({ ...queue, status: 'queued' })
  const failures = [...failed, ...queued.filter(({ retry_count }) => retry_count > 0)].filter(isSeen)
  expect(failures.length).toBeGreaterThan(50)
  expect(clusters.reduce((sum, { count }) => sum + count, 0)).toBe(failures.length)
  if (since === undefined) expect(clusters).toHaveLength(status === undefined ? 6 : 3)
  for (const { cluster, count, first_seen, last_seen, queue_count, sample_ids } of clusters) {
    const jobs = (await listed({ ...queue, cluster })).filter(isSeen)
    const times = jobs.map(seen)
    expect({ count, queue_count, seen: [first_seen, last_seen].map((time) => Date.parse(time)) }).toEqual({
      count: jobs.length,
      queue_count: new Set(jobs.map((job) => job.queue)).size,
      seen: [Math.min(...times), Math.max(...times)],
    })
    expect(jobs.map(({ id }) => id)).toEqual(expect.arrayContaining(sample_ids))
  }
})
