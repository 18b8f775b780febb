import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { explainJob } from '../../../shared/endpoints.ts'
import type { JobExplanation } from '../../../shared/explain/job.ts'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** What makes one reason: columns of the row, and what is around the job. */
interface Cause {
  code: string
  row?: Wanted
  around?: (world: World, uuid: string) => Promise<unknown>
  sentence: RegExp
}

const pauseBySql = (drain: boolean) => (world: World) =>
  world.sql`
    insert into job_queue_controls (domain, queue, paused, drain, updated_at)
    values ('chatbooks', 'default', ${!drain}, ${drain}, now() - interval '1 hour')`

const needs = (status: string) => async (world: World, uuid: string) => {
  await world.jobs(1, { uuid: `needed-${status}`, status, queue: 'other' })
  await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${uuid}, ${`needed-${status}`})`
}

/** What another program does, in plain SQL. */
const causes: Cause[] = [
  { code: 'queue_paused', around: pauseBySql(false), sentence: /^chatbooks\/default is paused since .* UTC \(1h\)$/ },
  { code: 'queue_draining', around: pauseBySql(true), sentence: /^chatbooks\/default drains since / },
  {
    code: 'not_due',
    row: { available_at: ago(-3700) },
    sentence: /^available at .* UTC, in (1h( \d+m)?|[345]\dm( \d+s)?)$/,
  },
  { code: 'waits_for_jobs', around: needs('queued'), sentence: /^waits for 1 job: \d+ \(queued\)$/ },
  { code: 'dependency_ended', around: needs('failed'), sentence: /^depends on \d+ \(failed\), and can never run/ },
]

/** It concerns running jobs alone. */
const cancelAsked: Cause = {
  code: 'cancel_requested',
  row: { cancel_requested_at: ago(7200) },
  sentence: /^somebody asked it to end at .* UTC \(2h( \d+m)? ago\); a worker that holds it/,
}

/** The states, which exclude each other. */
const states: Cause[] = [
  {
    code: 'leased',
    row: { status: 'processing' },
    sentence: /^is being worked on by worker-1 since .*, leased until /,
  },
  {
    code: 'lease_over',
    row: { status: 'processing', leased_until: ago(7200) },
    sentence: /^the lease of worker-1 ended at .* UTC \(2h( \d+m)? ago\); the next call/,
  },
  {
    code: 'quarantined',
    row: { status: 'quarantined', quarantined_at: ago(7200), error_message: 'no password=s3cret' },
    sentence:
      /^in quarantine since .* UTC \(2h( \d+m)?\), timeout \("no password=\[redacted\]"\), 3 times in a row \(the threshold of the server is 3\)$/,
  },
  {
    code: 'retries_used_up',
    row: { status: 'failed', retry_count: 3, completed_at: ago(7200) },
    sentence: /^failed after 3 of 3 retries at .* UTC \(2h( \d+m)? ago\), timeout$/,
  },
  {
    code: 'finished',
    row: { status: 'completed', completed_at: ago(7200) },
    sentence: /^completed at .* UTC \(2h( \d+m)? ago\)$/,
  },
  {
    code: 'finished',
    row: { status: 'failed', completed_at: ago(7200) },
    sentence: /^failed at .* ago\) \("timeout"\)$/,
  },
  { code: 'finished', row: { status: 'cancelled', cancelled_at: ago(7200) }, sentence: /^cancelled .* \("by hand"\)$/ },
]

/** The causes that a job in this state has nothing to do with. */
const without: Record<string, string[]> = {
  leased: ['queue_paused', 'queue_draining', 'not_due', 'waits_for_jobs', 'dependency_ended'],
  lease_over: ['not_due'],
  quarantined: ['not_due', 'cancel_requested'],
  retries_used_up: ['not_due', 'cancel_requested'],
  finished: ['queue_paused', 'queue_draining', 'not_due', 'waits_for_jobs', 'dependency_ended', 'cancel_requested'],
}

describe.each(kinds)('why a job does not run, on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const ask = (id: number, query = '') => world.call('GET', `/api/v1/jobs/${id}/explain${query}`)
  async function explain(id: number): Promise<JobExplanation> {
    const { status, body } = await ask(id)
    expect(status, JSON.stringify(body)).toBe(200)
    return explainJob.output.parse(body)
  }
  const codesOf = ({ reasons }: JobExplanation) => reasons.map(({ code }) => code).sort()
  const reasonOf = (explanation: JobExplanation, code: string) =>
    explanation.reasons.find((reason) => reason.code === code)

  /** No pick-up of an earlier test is noted: the counts of the triggers see it up to a second later. */
  const withoutPickups = () => world.sql`
    insert into jobsctl_pickups (domain, queue, job_type, picked_up_at)
    select 'chatbooks', 'default', job_type, 'infinity' from unnest(array['export', 'import']) as job_type
    on conflict (domain, queue, job_type) do update set picked_up_at = excluded.picked_up_at`
  beforeEach(withoutPickups)

  /** A sign of a worker that takes every job of the queue. */
  const someWorker = () => world.sql`
    insert into jobsctl_worker_marks (domain, queue, worker_id, filter) values ('chatbooks', 'default', 'w', '')
    on conflict (domain, queue, worker_id, filter) do update set asked_at = now()`

  async function jobWith(some: Cause[]): Promise<number> {
    const row = Object.assign({ status: 'queued', uuid: 'own' }, ...some.map((cause) => cause.row))
    const [id = 0] = await world.jobs(1, row)
    for (const { around } of some) await around?.(world, 'own')
    return id
  }

  it('says how many jobs it needs, and at least where more are of one kind than are read', async () => {
    const id = await jobWith([])
    const need = async (status: string, count: number) => {
      await world.sql`
        insert into jobs (domain, queue, job_type, payload, status, uuid)
        select 'chatbooks', 'other', 'export', '{}', ${status}::text, ${status}::text || n from generate_series(1, ${count}::int) as n`
      await world.sql`
        insert into job_dependencies (job_uuid, depends_on_job_uuid)
        select 'own', ${status}::text || n from generate_series(1, ${count}::int) as n`
    }
    await need('failed', 1000)
    await need('queued', 400)
    const explanation = await explain(id)
    expect(reasonOf(explanation, 'waits_for_jobs')?.sentence).toMatch(/^waits for 400 jobs: .* and 397 more$/)
    expect(reasonOf(explanation, 'dependency_ended')?.sentence).toMatch(/^depends on .* and at least 997 more, and can/)
  })

  it('is nothing for a job that is due, and tells its place in line', async () => {
    await someWorker()
    const id = await jobWith([])
    expect(await explain(id)).toMatchObject({
      ...{ id, domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'queued', archived: false },
      sentence: `Job ${id} (chatbooks/default export) is queued and due, and nothing keeps it from running.`,
      reasons: [],
      place: { ahead: 0, exact: true, sentence: 'It is 1st in line.' },
    })
  })

  const singles = [...causes, ...states]
  it.each(singles)('is $code alone, with its sentence', async (cause) => {
    await someWorker()
    const explanation = await explain(await jobWith([cause]))
    expect(codesOf(explanation)).toEqual([cause.code])
    expect(explanation.reasons[0]?.sentence).toMatch(cause.sentence)
    expect(JSON.stringify(explanation)).not.toMatch(/s3cret|lease-1/)
  })

  const pairs = [
    ...causes.flatMap((one, at) => causes.slice(at + 1).map((other) => [one, other] as const)),
    ...states.flatMap((state) => [...causes, cancelAsked].map((cause) => [state, cause] as const)),
  ].filter(([one, other]) => !(one.code === 'queue_paused' && other.code === 'queue_draining'))
  it('is every pair of two reasons, and no other', async () => {
    for (const [one, other] of pairs) {
      await world.clear()
      await someWorker()
      const expected = without[one.code]?.includes(other.code) ? [one.code] : [one.code, other.code].sort()
      expect(codesOf(await explain(await jobWith([one, other]))), `${one.code} and ${other.code}`).toEqual(expected)
    }
  })

  it('is a request to end for a running job, and not for a queued one', async () => {
    await someWorker()
    const running = await jobWith([cancelAsked, { code: 'leased', row: { status: 'processing' }, sentence: /./ }])
    expect(reasonOf(await explain(running), cancelAsked.code)?.sentence).toMatch(cancelAsked.sentence)
    await world.clear()
    await someWorker()
    const id = await jobWith([cancelAsked])
    expect(codesOf(await explain(id))).toEqual([])
  })

  it('is every pair with a queue that no worker asks, where a worker would matter', async () => {
    for (const cause of singles) {
      await world.clear()
      await withoutPickups()
      const expected = ['leased', 'finished'].includes(cause.code) ? [cause.code] : [cause.code, 'no_worker'].sort()
      expect(codesOf(await explain(await jobWith([cause]))), cause.code).toEqual(expected)
    }
  })

  it('is told of jobs that came and were stopped over HTTP, with who, why, and the call that removes it', async () => {
    const first = await worker.enqueue()
    const { id } = await worker.enqueue({ depends_on: [first.uuid], available_at: ago(-600) })
    await world.post(jobPaths.control, { domain: 'chatbooks', queue: 'default', action: 'pause', reason: 'disk full' })
    await worker.lease()
    await until('the worker left a mark', async () => (await world.sql`select from jobsctl_worker_marks`).length === 1)
    const explanation = await explain(id)
    expect(codesOf(explanation)).toEqual(['not_due', 'queue_paused', 'waits_for_jobs'])
    expect(reasonOf(explanation, 'queue_paused')).toMatchObject({
      title: 'queue paused',
      sentence: expect.stringMatching(/^chatbooks\/default is paused since .* by single-user \("disk full"\)$/),
      facts: { domain: 'chatbooks', queue: 'default', by: 'single-user', why: 'disk full' },
      remedy: {
        http: {
          method: 'POST',
          path: jobPaths.control,
          body: { domain: 'chatbooks', queue: 'default', action: 'resume' },
        },
        jobsctl: ['resume', 'chatbooks/default'],
      },
    })
    expect(explanation.place).toMatchObject({ ahead: 1, sentence: 'Then it would be 2nd in line.' })

    const { path = '', body } = reasonOf(explanation, 'queue_paused')?.remedy?.http ?? {}
    expect((await world.post(path, body)).status).toBe(200)
    await worker.complete(await worker.take())
    expect(codesOf(await explain(id))).toEqual(['not_due'])
  })

  it('has the call that removes a reason, as HTTP and as words of jobsctl, or none', async () => {
    const found: Record<string, string> = {}
    for (const cause of singles) {
      await world.clear()
      await someWorker()
      const id = await jobWith([cause])
      const remedy = (await explain(id)).reasons[0]?.remedy
      const name = `${cause.code} ${cause.row?.status ?? ''}`.trim()
      found[name] =
        remedy?.jobsctl?.join(' ').replace(/\d+/, (digits) => (Number(digits) === id ? '<id>' : '<needed>')) ?? 'none'
      if (!remedy) continue
      const send = remedy.http.confirm ? world.confirm : world.post
      const { status, body } = await send(remedy.http.path, remedy.http.body)
      expect(status, `${cause.code}: ${JSON.stringify(body)}`).toBe(200)
      expect(codesOf(await explain(id)), name).not.toContain(cause.code)
    }
    expect(found).toEqual({
      queue_paused: 'resume chatbooks/default',
      queue_draining: 'resume chatbooks/default',
      not_due: 'reschedule <id> --now',
      waits_for_jobs: 'none',
      dependency_ended: 'retry <needed>',
      'leased processing': 'none',
      'lease_over processing': 'reclaim <id>',
      'quarantined quarantined': 'requeue <id>',
      'retries_used_up failed': 'retry <id>',
      'finished completed': 'none',
      'finished failed': 'retry <id>',
      'finished cancelled': 'none',
    })
  })

  it('is a circle of dependencies, which the remedy ends', async () => {
    await someWorker()
    const [id = 0] = await world.jobs(1, { uuid: 'a', status: 'queued' })
    await world.jobs(1, { uuid: 'b', status: 'queued' })
    await world.jobs(1, { uuid: 'done', status: 'completed' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      values ('a', 'b'), ('b', 'a'), ('a', 'done'), ('done', 'a'), ('a', 'gone')`
    const explanation = await explain(id)
    expect(codesOf(explanation)).toEqual(['dependency_cycle', 'waits_for_jobs'])
    const { path = '', body } = reasonOf(explanation, 'dependency_cycle')?.remedy?.http ?? {}
    expect((await world.post(path, body)).status).toBe(200)
    expect(codesOf(await explain(id))).toEqual(['finished'])
  })

  describe('no worker', () => {
    const silent = async (id: number) => reasonOf(await explain(id), 'no_worker')
    const picked = (wanted: Wanted) => world.jobs(1, { job_type: 'export', ...wanted })

    it('is told with the time of the newest pick-up by plain SQL, and not within five minutes of it', async () => {
      const id = await jobWith([])
      expect(await silent(id)).toMatchObject({
        sentence:
          'no worker has asked this API for export jobs of chatbooks/default, and none is known to have picked one up',
        facts: { minutes: null, running: 0 },
      })
      await picked({ acquired_at: ago(3700), completed_at: ago(3600) })
      expect(await silent(id)).toMatchObject({
        sentence: expect.stringMatching(
          /^no worker has picked up export jobs of chatbooks\/default for 1h 1m, and none has asked/,
        ),
        facts: { minutes: 61, last_asked_at: null },
      })
      await picked({ acquired_at: ago(600), status: 'processing', worker_id: 'long' })
      expect((await silent(id))?.sentence).toMatch(/ for 10m,.*; 1 job of the queue runs with 1 worker$/)
      await picked({ acquired_at: ago(100), completed_at: ago(90), queue: 'other' })
      expect(await silent(id)).toBeDefined()
      await picked({ acquired_at: ago(100), completed_at: ago(90), job_type: 'import' })
      expect(await silent(id)).toBeUndefined()
    })

    it('is told where the workers that ask take other types or owners', async () => {
      const id = await jobWith([{ code: '', row: { owner_user_id: 'o-1' }, sentence: /./ }])
      const mark = (name: string, types: string[] | null, owner: string | null) => world.sql`
        insert into jobsctl_worker_marks (domain, queue, worker_id, filter, job_types, owner_user_id)
        values ('chatbooks', 'default', ${name}, ${name}, ${types}, ${owner})`
      await mark('imports', ['import'], null)
      await picked({ acquired_at: ago(60), completed_at: ago(30), job_type: 'import', worker_id: 'imports' })
      await mark('of another', null, 'o-2')
      expect(await silent(id)).toMatchObject({
        sentence: expect.stringContaining('; the workers that ask take other jobs'),
        facts: { asked_for_others: true, last_asked_at: null },
      })
      await mark('exports', ['import', 'export'], 'o-1')
      expect(await silent(id)).toBeUndefined()
    })

    it('is not told after the call of a worker that takes such jobs; each worker leaves one mark', async () => {
      const { id } = await worker.enqueue({ queue: 'asked', job_type: 'import' })
      const lease = (fields: object) => worker.lease({ queue: 'asked', ...fields })
      await lease({ job_types: ['export'], worker_id: 'a' })
      await lease({ job_types: ['export'], worker_id: 'a' })
      await until(
        'the mark',
        async () => (await world.sql`select from jobsctl_worker_marks where queue = 'asked'`).length === 1,
      )
      expect((await silent(id))?.facts).toMatchObject({ asked_for_others: true })
      await lease({ owner_user_id: 'nobody', worker_id: 'a' })
      await until(
        'the other mark',
        async () => (await world.sql`select from jobsctl_worker_marks where queue = 'asked'`).length === 2,
      )
      expect(await silent(id)).toBeDefined()
      await lease({ job_types: ['export', 'import'], worker_id: 'b', limit: 1, owner_user_id: null })
      expect((await explain(id)).reasons.map(({ code }) => code)).toEqual(['leased'])
    })

    it('sees what plain SQL picked up and gave back, by the counts of the triggers', async () => {
      await until('the counts are kept', async () => {
        const [row] = await world.sql`select from jobsctl_counting where triggers is not null`
        return row
      })
      const [id = 0] = await world.jobs(1, { status: 'queued', job_type: 'rare' })
      expect(await silent(id)).toBeDefined()
      await world.sql`update jobs set status = 'processing' where id = ${id}`
      await world.sql`update jobs set status = 'queued' where id = ${id}`
      await until('the pick-up is seen', async () => (await silent(id)) === undefined)
    })
  })

  it('has the place in line by priority, due time and id, without jobs that are not due or in other queues', async () => {
    await someWorker()
    const queued = (wanted: Wanted) => world.jobs(1, { status: 'queued', created_at: ago(1000), ...wanted })
    const ids = [
      await queued({ priority: 2 }),
      await queued({ priority: 5, created_at: ago(3000) }),
      await queued({ priority: 5, available_at: ago(2000) }),
      await queued({ priority: 5 }),
      await queued({ priority: 5 }),
      await queued({ priority: 5, created_at: null }),
      await queued({ priority: 9 }),
      await queued({ priority: null, created_at: null }),
      await queued({ priority: null, created_at: null }),
    ].flat()
    await queued({ priority: 1, available_at: ago(-60) })
    await queued({ priority: 1, queue: 'other' })
    await world.jobs(1, { status: 'completed', priority: 1 })
    for (const [ahead, id] of ids.entries()) expect((await explain(id)).place).toMatchObject({ ahead, exact: true })
    const [later = 0] = await queued({ priority: 5, available_at: ago(-60) })
    expect((await explain(later)).place).toMatchObject({ ahead: 5 })
  })

  it('counts 10,000 jobs before a job exactly, and says where there are more', async () => {
    await someWorker()
    const [id = 0] = await world.jobs(1, { status: 'queued', priority: 10 })
    const add = (n: number) => world.sql`
      insert into jobs (domain, queue, job_type, status, priority, created_at)
      select 'chatbooks', 'default', 't', 'queued', 1 + n % 9, now() - interval '1 day' from generate_series(1, ${n}::int) as n`
    await add(10_000)
    expect((await explain(id)).place).toEqual({ ahead: 10_000, exact: true, sentence: 'It is 10,001st in line.' })
    await add(1)
    expect((await explain(id)).place).toEqual({
      ...{ ahead: 10_000, exact: false, sentence: 'It is behind more than 10,000 jobs.' },
    })
  })

  it('holds for rows of other programs that lack nearly everything, and whose names are hostile', async () => {
    await world.sql`alter table jobs drop constraint if exists jobs_status_check`
    const odd = await world.sql<{ id: number }[]>`
      insert into jobs (domain, queue, job_type, status, created_at, available_at, priority, max_retries, retry_count)
      values
        (${'a/b\u001b[2J'}, ${'-q'}, 't', 'queued', null, 'infinity', null, null, null),
        ('d', 'q', 't', 'processing', null, null, null, null, null),
        ('d', 'q', 't', 'failed', null, null, null, null, 3),
        ('d', 'q', 't', 'quarantined', null, null, null, null, null),
        ('d', 'q', 't', 'asleep', null, null, null, null, null),
        ('d', 'q', 't', 'cancelled', null, null, null, null, null),
        ('d', 'q', 't', 'queued', '-infinity', null, 3, null, null)
      returning id`
    await world.sql`
      insert into jobs (domain, queue, job_type, status, acquired_at, completed_at, leased_until, worker_id)
      values
        ('d', 'q', 't', 'completed', '-infinity', '-infinity', null, 'w'),
        ('d', 'q', 't', 'completed', 'infinity', 'infinity', null, 'w'),
        ('d', 'q', 't', 'processing', '-infinity', null, 'infinity', null),
        ('d', 'q', 't', 'processing', '294000-01-01', null, '4000-01-01 BC', 'v')`
    await world.sql`insert into job_queue_controls (domain, queue, paused, updated_at) values (${'a/b\u001b[2J'}, '-q', true, null)`
    // Rows that were inserted as processing count as picked up once they are added up.
    await until('they are added up', async () => (await world.sql`select from jobsctl_count_deltas`).length === 0)
    await world.sql`delete from jobsctl_pickups`
    const found = await Promise.all(odd.map(async ({ id }) => explain(Number(id))))
    expect(found.map(codesOf)).toEqual([
      ['no_worker', 'not_due', 'queue_paused'],
      ['lease_over', 'no_worker'],
      ['no_worker', 'retries_used_up'],
      ['no_worker', 'quarantined'],
      ['unknown_state'],
      ['finished'],
      ['no_worker'],
    ])
    for (const path of ['queues/explain?domain=d&queue=q', 'workers'])
      expect((await world.call('GET', `/api/v1/jobs/${path}`)).status).toBe(200)
    expect(reasonOf(found[0] ?? fail(), 'not_due')?.sentence).toBe('available at infinity, which never comes')
    // No call takes a name with a control character.
    expect(reasonOf(found[0] ?? fail(), 'queue_paused')?.remedy).toBeNull()
  })

  const fail = (): never => {
    throw new Error('there is no explanation')
  }

  it('is the archive for a job that was pruned; 404 for an unknown id or another domain; 422 for what is no id', async () => {
    const [id = 0] = await world.jobs(1, { domain: 'old' })
    expect((await ask(id, '?domain=other')).status).toBe(404)
    await world.confirm(paths.prune, { domain: 'old' })
    expect(await explain(id)).toMatchObject({
      archived: true,
      reasons: [{ code: 'finished', sentence: expect.stringMatching(/^completed at .*, and in the archive$/) }],
      place: null,
    })
    expect((await ask(id, '?domain=old')).status).toBe(200)
    expect((await ask(id, '?domain=other')).status).toBe(404)
    expect(await ask(id + 1)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    for (const other of ['0', 'x', `${id}x`])
      expect((await world.call('GET', `/api/v1/jobs/${other}/explain`)).status).toBe(422)
    expect((await ask(id, '?reveal=1')).status).toBe(422)
  })
})
