import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JobEvent } from '../../../shared/records/events.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'
import { story } from './commands.ts'
import type { Session } from './observe.ts'
import { newSession, run } from './run.ts'
import { quarantineThreshold } from './settle.ts'

/** `PROPERTY_RUNS=5000` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '12', PROPERTY_SEED: seed } = process.env

/** fast-check shrinks a failure before it reports it, which takes time. */
const timeout = 240_000 + Number(runs) * 3000

describe.each(kinds)('the life of jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    // Stories take months: without terms the server would delete events that a story has yet to read.
    const terms = { JOBS_EVENTS_DAYS: '36500', JOBS_AUDIT_DAYS: '36500' }
    world = await openWorld(kind, { ...terms, JOBS_QUARANTINE_THRESHOLD: String(quarantineThreshold) })
  })
  afterAll(() => world?.stop())

  const options = {
    numRuns: Number(runs),
    interruptAfterTimeLimit: timeout - 60_000,
    markInterruptAsFailure: true,
    ...(seed && { seed: Number(seed) }),
  }

  it('goes as the model says, whatever workers, callers, operators and time do', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (commands) => {
        const session = await newSession(world)
        for (const command of commands) await run(session, command)
        await expectHistory(session)
      }),
      options,
    )
  })
})

/** What each event says about its job: the states that it leaves, and the one that it leads to. */
const transitions: Record<string, [from: string, to: string]> = {
  'job.created': ['', 'queued'],
  'job.acquired': ['queued', 'processing'],
  'job.completed': ['processing', 'completed'],
  'job.failed': ['queued processing', 'failed'],
  'job.cancelled': ['queued processing', 'cancelled'],
  'job.quarantined': ['processing', 'quarantined'],
  'job.retry_scheduled': ['processing', 'queued'],
  'job.released': ['processing', 'queued'],
  'job.lease_expired': ['processing', 'queued'],
  'job.cancel_requested': ['processing', 'processing'],
  'job.requeued': ['quarantined', 'queued'],
  'job.revived': ['cancelled', 'queued'],
}

/** Who reads the events page by page sees each once, and knows from them alone what every job is. */
async function expectHistory({ world, lastEventId, rows }: Session): Promise<void> {
  const read: JobEvent[] = []
  for (let last: number | undefined = 0; last !== undefined; ) {
    const { body } = await world.call('GET', `/api/v1/jobs/events?after_id=${last}&limit=25`)
    const page = JobEvent.array().parse(body)
    read.push(...page)
    last = page.at(-1)?.id
  }
  const [stored] = await world.sql<
    [{ ids: number[] }]
  >`select coalesce(jsonb_agg(id order by id), '[]') as ids from job_events`
  expect(read.map(({ id }) => id)).toEqual(stored.ids)
  expect(read.at(-1)?.id ?? 0).toBe(lastEventId)

  const status = new Map<unknown, string>()
  for (const { job_id, event_type } of read) {
    if (job_id === null) continue
    const [from, to] = transitions[event_type] ?? ['never', 'never']
    expect(from.split(' '), `${event_type} of job ${job_id}`).toContain(status.get(job_id) ?? '')
    status.set(job_id, to)
  }
  for (const row of rows) expect(status.get(row.id)).toBe(row.status)
}
