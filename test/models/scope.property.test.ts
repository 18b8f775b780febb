import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compact } from '../../server/counts/compact.ts'
import { commonScope, type Limits, mayShareJobs } from '../../server/database/shared-jobs.ts'
import { doors } from '../support/access/doors.ts'
import { firstMessage } from '../support/access/first-message.ts'
import { limits, type Place, places } from '../support/access/limits.ts'
import { bearer, makeScoped } from '../support/access/tokens.ts'
import { kinds } from '../support/database/database.ts'
import { ago, jobRow } from '../support/database/job-row.ts'
import { insertRows } from '../support/database/tables.ts'
import { until } from '../support/poll.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed } = process.env
/** Only ends a test that hangs: a run makes some two hundred calls. */
const timeout = 300_000 + Number(runs) * 60_000

const domain = fc.constantFrom('a', 'b', 'A', "o'k", 'a/b')
const queue = fc.constantFrom('q', 'r', 'b/q')
const jobType = fc.constantFrom('t', 'u')

const scope = fc
  .record({
    domains: fc.uniqueArray(domain, { maxLength: 2 }),
    queues: fc.array(fc.record({ domain, queue }), { maxLength: 2 }),
    job_types: fc.uniqueArray(jobType, { maxLength: 1 }),
  })
  .filter(({ domains, queues, job_types }) => domains.length + queues.length + job_types.length > 0)
type Scope = typeof scope extends fc.Arbitrary<infer T> ? T : never

const job = fc.record({
  domain,
  queue,
  job_type: jobType,
  status: fc.constantFrom('queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'),
  days: fc.integer({ min: 1, max: 90 }),
  archived: fc.boolean(),
  /** On which of the jobs before it depends, whatever their domains are. */
  needs: fc.array(fc.nat(20), { maxLength: 3 }),
})
type Job = typeof job extends fc.Arbitrary<infer T> ? T : never

const stopped = fc.uniqueArray(fc.record({ domain, queue }), {
  selector: ({ domain, queue }) => JSON.stringify([domain, queue]),
  maxLength: 4,
})
/** As many as a preview has sample ids. */
const someJobs = fc.array(job, { minLength: 4, maxLength: 10 })
const mostRecords = 4
const made = fc.array(
  limits.filter((one) => mayShareJobs(one, {})),
  { maxLength: mostRecords },
)
type Queue = Pick<Job, 'domain' | 'queue'>

/** What a scope means, once more, without a database. */
function lies({ domains, queues, job_types }: Scope, { domain, queue, job_type }: Place): boolean {
  const anywhere = domains.length === 0 && queues.length === 0
  const inDomain = domains.some((one) => one === domain)
  const listed = inDomain || queues.some((one) => one.domain === domain && one.queue === queue)
  return (anywhere || listed) && (job_types.length === 0 || job_types.some((one) => one === job_type))
}

describe.each(kinds)('a caller with a scope on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())

  /** What the counts' triggers append says where jobs were picked up: of the jobs before, after they have gone, and of these. */
  const addUp = () =>
    until('the counts are added up', async () => {
      await compact(world.sql)
      return (await world.sql`select from jobsctl_count_deltas limit 1`).length === 0
    })

  async function clear(): Promise<void> {
    await world.clear()
    await addUp()
    await world.sql`delete from jobsctl_pickups`
  }

  const uuidOf = (nth: number) => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`

  /** Inserts jobs with what belongs to them. A job keeps its number, whichever others there are. */
  async function insert(jobs: readonly (Job & { nth: number })[]): Promise<void> {
    const rows = jobs.map(({ nth, domain, queue, job_type, status, days }) => ({
      ...jobRow({ domain, queue, job_type, status, days }),
      ...{ id: 1000 + nth, uuid: uuidOf(nth), priority: 1 + (nth % 3), created_at: ago(days * 86_400 + nth, noon) },
    }))
    await insertRows(world.sql, rows)
    await world.sql`delete from job_sla_policies`
    for (const { domain, queue, job_type } of jobs)
      await world.sql`
        insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds, max_duration_seconds, enabled, updated_at)
        values (${domain}, ${queue}, ${job_type}, 5, 5, true, '2026-01-01')
        on conflict do nothing`
    for (const { nth, domain, queue, job_type, needs, archived } of jobs) {
      const id = 1000 + nth
      const { sql } = world
      for (const need of new Set(needs.filter((need) => need < nth)))
        await sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${uuidOf(nth)}, ${uuidOf(need)})`
      await sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', ${`text of ${nth}`})`
      await sql`
        insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, created_at)
        values (${id}, ${domain}, ${queue}, ${job_type}, 'job.created', '{}', now())`
      if (archived) {
        await sql`
          insert into jobs_archive (id, uuid, domain, queue, job_type, status, archived_at)
          values (${id}, ${uuidOf(nth)}, ${domain}, ${queue}, ${job_type}, 'completed', now())`
        await sql`delete from jobs where id = ${id}`
      }
    }
    await addUp()
  }

  /** Stops queues. A queue has jobs of every type, so that the types of a scope do not matter. */
  async function stop(queues: readonly Queue[]): Promise<void> {
    for (const { domain, queue } of queues) {
      await world.sql`
        insert into job_queue_controls (domain, queue, paused, drain, updated_at) values (${domain}, ${queue}, true, false, '2026-01-01')`
    }
  }

  const noon = Date.parse('2026-06-01T12:00:00Z')
  const lists = [
    '',
    '?sort_by=priority',
    '?sort_by=status',
    '?limit=2',
    '?status=queued,failed',
    '?domain=a',
    '?job_type=t',
  ]

  /**
   * Inserts records and plans of changes by somebody else, each record with an image of a row of a job, whose term has just begun: the
   * server deletes what is over its term. They keep their numbers.
   */
  async function record(changes: readonly (Limits & { nth: number })[], jobs: number): Promise<void> {
    await world.sql`delete from jobsctl_plans`
    for (const { nth, ...limits } of changes) {
      const { domain = null, queue = null, job_type = null } = commonScope(limits)
      const [id, filters] = [9000 + nth, JSON.stringify(limits.within ? { within: limits.within } : {})]
      await world.sql`
        insert into job_operations (
          id, kind, domain, queue, job_type, filters, as_of, seen, caller, request_hash, state, affected, counts,
          started_at, ended_at
        )
        values (
          ${id}, 'priority', ${domain}, ${queue}, ${job_type}, ${filters}::text::jsonb, '2026-01-01', '1:1:', 'somebody', '',
          'done', ${5000 + nth}, '{"dependents": 4711}', now(), now()
        )`
      await world.sql`insert into job_operation_rows values (${id}, ${1000 + (nth % jobs)}, '{}', '{}')`
      const within = limits.within ? JSON.stringify(limits.within) : null
      await world.sql`
        insert into jobsctl_plans (
          id, path, request, kind, domain, queue, job_type, jobs, dependents, within, preview, token, preview_id, seen, binding, digest,
          caller, principal, reason, expires_at
        )
        values (
          ${id}, '/api/v1/jobs/prune', '{}', 'prune', ${domain}, ${queue}, ${job_type}, ${6000 + nth}, 0, ${within}::text::jsonb,
          '{"as_of": "2026-01-01T00:00:00Z"}', '', ${`preview ${nth}`}, '1:1:', '', '', 'somebody', 'somebody', 'because',
          now() + interval '1 hour'
        )`
    }
  }

  /** The answers of every reading door to this token, about everything and about each of the jobs and records; and every preview. */
  async function answers(as: Record<string, string>, jobs: number) {
    const read = async (path: string, asked?: object) => {
      const { status, headers, body } = path.includes('/stream')
        ? await firstMessage(world.url, path, as)
        : await world.call(asked ? 'POST' : 'GET', path, asked, as)
      // Cursors are encrypted, each time in another way.
      const link = headers.link?.replaceAll(/cursor=[\w-]+/g, 'cursor')
      const scanned = headers['x-scanned']
      return [path, status, link, scanned, withoutMoments(typeof body === 'string' ? body : JSON.stringify(body))]
    }
    const place = { domain: undefined, id: 0, uuid: '', operation: 0 }
    const all = Object.values(doors).filter(({ method, named, nameless }) => method === 'GET' && !named && !nameless)
    const paths = [
      ...all.map(({ path }) => path(place)),
      ...lists.map((query) => `/api/v1/jobs/list${query}`),
      ...['/api/v1/jobs/stats?domain=b', '/api/v1/jobs/stats?job_type=t', '/api/v1/jobs/events?domain=b&queue=q'],
      ...['q', 'r'].flatMap((queue) =>
        ['queue/status', 'queues/explain', 'workers'].map((path) => `/api/v1/jobs/${path}?domain=b&queue=${queue}`),
      ),
      ...Array.from({ length: jobs }, (_, nth) => [
        `/api/v1/jobs/${1000 + nth}`,
        `/api/v1/jobs/${1000 + nth}/attachments`,
        `/api/v1/jobs/${1000 + nth}/explain`,
      ]).flat(),
      ...Array.from({ length: mostRecords }, (_, nth) => nth + 9000).flatMap((id) => [
        ...['', '/conflicts', '/progress'].map((part) => `/api/v1/jobs/operations/${id}${part}`),
      ]),
    ]
    const previews = Object.values(doors).filter(({ body }) => body && 'dry_run' in body(place))
    return Promise.all([
      ...paths.map((path) => read(path)),
      ...previews.flatMap(({ path, body = () => ({}) }) => {
        const asked = body(place)
        return [asked, { ...asked, domain: 'b', queue: 'q' }].map((one) => read(path(place), one))
      }),
    ])
  }

  /** Ids of the log and of attachments have gaps, a request has an id, and rows have the moment of their insert. */
  const withoutMoments = (text: string) =>
    text
      .replaceAll(/"(request_id|instance)":"[^"]*"/g, '')
      .replaceAll(/"20\d\d-[^"]*Z"/g, '"a time"')
      .replaceAll(/"token":"[^"]*"/g, '')
      .replaceAll(/20\d\d-\d\d-\d\d [\d:]+ UTC|\b\d+[dhms]( \d+[hms])?\b|"(wait_|processing_)?seconds":[\d.]+/g, '')
      // A refusal names the token.
      .replaceAll(/unused \d+|(?<=limited operator \(|tokens\/|set-scope )[0-9a-f]{12}/g, '')
      // Jobs within may depend on each other by way of one outside.
      .replaceAll(/"dependents(_elsewhere)?":\d+/g, '')
      .replaceAll(/"sample_ids":\[([\d,]*)\]/g, (_, ids) => ids.split(',').sort().join())
      .replaceAll(/"id":\d+,("job_id"|"event_type"|"kind")/g, '$1')
      .replaceAll(/^id: \d+$/gm, '')

  let callers = 0
  /** A token with these limits and a further name, so that it shares no stream with another one. */
  async function callerWith({ job_types, domains, queues }: Scope) {
    const unused = `unused ${++callers}`
    const more =
      job_types.length > 0 ? { job_types: [...job_types, unused] } : { job_types, domains: [...domains, unused] }
    return bearer(await makeScoped(world.sql, 'operator', { domains, queues, ...more }))
  }

  it('gets the same answers whatever lies outside of the scope', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(scope, someJobs, stopped, made, async (limits, jobs, stops, changes) => {
        const numbered = jobs.map((job, nth) => ({ ...job, nth }))
        const own = numbered.filter((job) => lies(limits, job))
        await clear()
        await insert(
          own.map((job) => ({ ...job, needs: job.needs.filter((need) => own.some(({ nth }) => nth === need)) })),
        )
        await stop(stops.filter((place) => lies({ ...limits, job_types: [] }, { ...place, job_type: '' })))
        const records = changes.map((one, nth) => ({ ...one, nth }))
        await record(
          records.filter((one) => places.every((at) => !mayShareJobs(one, at) || lies(limits, at))),
          jobs.length,
        )
        const alone = await answers(await callerWith(limits), jobs.length)
        await clear()
        await insert(numbered)
        await stop(stops)
        await record(records, jobs.length)
        const among = await answers(await callerWith(limits), jobs.length)
        expect(among).toEqual(alone)
        for (const { nth } of own) expect(JSON.stringify(among)).toContain(uuidOf(nth))
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
  })
})
