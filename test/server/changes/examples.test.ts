import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { differences, each, justNow } from '../../support/differences.ts'
import { openWorld, type World } from '../../support/world.ts'

/** The page of examples that users run today; a clone that has it elsewhere says so in SHARED_DIR. */
const page = join(process.env.SHARED_DIR ?? '../shared', 'jobs-admin-examples.md')
const text = existsSync(page) ? readFileSync(page, 'utf8') : undefined
const blocks = [...(text ?? '').matchAll(/^```bash\n(.*?)^```/gms)].map(([, block = '']) => block)

if (!text) process.stderr.write(`skipped: ${page} is missing; set SHARED_DIR to the folder that has it\n`)

describe.skipIf(!text)('the page of examples', () => {
  it('has the eight calls that are run below', () => {
    expect(blocks).toHaveLength(8)
  })
})

describe.skipIf(!text).each(kinds)('the calls that users run today, unchanged, on %s', (kind) => {
  let world: World
  const ids: Record<string, number[]> = {}
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  beforeEach(async () => {
    await world.clear()
    const add = async (name: string, n: number, wanted: Parameters<World['jobs']>[1]) => {
      ids[name] = await world.jobs(n, wanted)
    }
    await add('old completed', 2, { status: 'completed' })
    await add('old failed', 1, { status: 'failed' })
    await add('old cancelled', 1, { status: 'cancelled' })
    await add('old quarantined', 2, { status: 'quarantined' })
    await add('young completed', 3, { status: 'completed', days: 29 })
    await add('old queued', 2, { status: 'queued', days: 2 })
    await add('young queued', 1, { status: 'queued', days: 0.5 })
    await add('scheduled', 1, { status: 'queued', days: 0.5, available_at: ago(-3600) })
    await add('long running', 1, { status: 'processing', started_at: ago(7300), acquired_at: ago(7300) })
    await add('running', 1, { status: 'processing', started_at: ago(7000), acquired_at: ago(7000) })
    await add('picked up again', 1, { status: 'processing', started_at: ago(9000), acquired_at: ago(100) })
    await add('lease expired', 1, { status: 'processing', days: 0.01, leased_until: ago(60) })
    await add('lease left', 1, { status: 'completed', days: 1, leased_until: ago(60) })
    await add('import queued', 1, { status: 'queued', days: 2, job_type: 'import' })
    await add('import quarantined', 1, { status: 'quarantined', job_type: 'import' })
    await add('import completed', 1, { status: 'completed', job_type: 'import' })
    for (const scope of [{ queue: 'low' }, { domain: 'other' }]) {
      for (const status of ['completed', 'quarantined']) await world.jobs(1, { status, ...scope })
      await add(`${Object.values(scope)} queued`, 1, { status: 'queued', days: 2, worker_id: 'worker-1', ...scope })
      await add(`${Object.values(scope)} expired`, 1, { status: 'processing', days: 2, leased_until: null, ...scope })
    }
  })

  const named = (...names: string[]) => names.flatMap((name) => ids[name] ?? [])

  /** Runs a block as a user does, and tells the answer and what it changed. */
  async function run(block: number) {
    const before = await world.rows()
    const env = { PATH: process.env.PATH, BASE: world.url, API_KEY: world.key }
    const { stdout } = await promisify(execFile)('bash', ['-euc', blocks[block] ?? 'false'], { env, timeout: 100_000 })
    return { answer: JSON.parse(stdout), changed: differences(before, await world.rows()) }
  }

  it('stats of a queue', async () => {
    const counts = { scheduled: 0, processing: 0 }
    const group = { domain: 'chatbooks', queue: 'default' }
    expect(await run(0)).toEqual({
      answer: [
        { ...group, job_type: 'export', queued: 3, scheduled: 1, processing: 4, quarantined: 2 },
        { ...group, ...counts, job_type: 'import', queued: 1, quarantined: 1 },
      ],
      changed: {},
    })
  })

  it('a dry run of a prune', async () => {
    expect(await run(1)).toEqual({ answer: expect.objectContaining({ deleted: 4 }), changed: {} })
  })

  it('a prune', async () => {
    const gone = named('old completed', 'old failed', 'old cancelled')
    expect(await run(2)).toEqual({
      answer: expect.objectContaining({ deleted: 4 }),
      changed: each(gone, { status: 'deleted' }),
    })
  })

  it('a TTL sweep', async () => {
    const cancelled = { status: 'cancelled', cancelled_at: justNow }
    expect(await run(3)).toEqual({
      answer: expect.objectContaining({ affected: 4 }),
      changed: {
        ...each(named('old queued', 'import queued'), { ...cancelled, cancellation_reason: 'ttl_age' }),
        ...each(named('long running'), { ...cancelled, cancellation_reason: 'ttl_runtime', leased_until: null }),
      },
    })
  })

  it('a dry run of a requeue', async () => {
    expect(await run(4)).toEqual({ answer: expect.objectContaining({ affected: 2 }), changed: {} })
  })

  it('a requeue', async () => {
    const cleared = { failure_streak_code: null, failure_streak_count: 0, quarantined_at: null }
    expect(await run(5)).toEqual({
      answer: expect.objectContaining({ affected: 2 }),
      changed: each(named('old quarantined'), { status: 'queued', available_at: justNow, ...cleared }),
    })
  })

  it('an integrity scan of a queue', async () => {
    expect(await run(6)).toEqual({
      answer: expect.objectContaining({ non_processing_with_lease: 1, processing_expired: 1, fixed: 0 }),
      changed: {},
    })
  })

  it('an integrity fix of everything, without a confirmation', async () => {
    const expired = {
      status: 'queued',
      available_at: justNow,
      retry_count: 1,
      failure_streak_code: 'lease_expired',
      failure_streak_count: 1,
      error_code: 'lease_expired',
      last_error: 'lease_expired',
      failure_timeline: [{ ts: justNow, error_code: 'lease_expired', retry_backoff: 0 }],
      lease_id: null,
      worker_id: null,
    }
    const { answer, changed } = await run(7)
    expect(answer).toMatchObject({ non_processing_with_lease: 3, processing_expired: 3, fixed: 6 })
    expect(changed).toEqual({
      ...each(named('lease left'), { leased_until: null, lease_id: null, worker_id: null }),
      ...each(named('low queued', 'other queued'), { worker_id: null }),
      ...each(named('lease expired'), { ...expired, leased_until: null }),
      ...each(named('low expired', 'other expired'), expired),
    })
  })
})
