import { describe, expect, it } from 'vitest'
import { runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer } from '../../../support/fakes/fake-server.ts'
import { openWorld } from '../../../support/world.ts'

const dayMs = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * dayMs - 3_600_000).toISOString()

/** What doctor says about the event log, a line a check: result, detail and hint. */
async function linesOf(event_log: unknown): Promise<string[]> {
  const tables = [{ table: 'job_events', rows: 1_200_000, bytes: 500e6, oldest: null }]
  const server = await fakeServer(({ path }) => {
    if (path.endsWith('/storage')) return { body: { archive_before_delete: true, archive_days: 7, event_log, tables } }
    if (/\/(counts|indexes|missing|caller|engine|cursors)$/.test(path))
      return { status: 404, body: { detail: 'Not Found' } }
    return path.includes('/stats') ? { body: [] } : jobsAnswer(0)
  })
  const { out } = await runAt(server, ['doctor'])
  return out.split('\n').filter((line) => /^(events|audit)\t/.test(line))
}

describe('doctor on the event log', () => {
  it('says how large it is, how old, and how long each kind of events is kept', async () => {
    const lines = await linesOf([
      { kind: 'steps', days: 30, oldest: daysAgo(29) },
      { kind: 'audit', days: 1, oldest: null },
    ])
    expect(lines).toEqual([
      'events\tok\tjob_events about 1,200,000 rows, 500 MB, oldest step of a job 29 days old, kept 30 days\t',
      'audit\tok\tjob_events about 1,200,000 rows, 500 MB, oldest action of an operator none, kept 1 day\t',
    ])
  })

  it('gives the line to type where there is no term, for what has none', async () => {
    const [events, audit] = await linesOf([
      { kind: 'steps', days: null, oldest: daysAgo(900) },
      { kind: 'audit', days: null, oldest: null },
    ])
    expect(events).toMatch(
      /^events\twarning\t.+ 900 days old, kept for ever\t.+JOBS_EVENTS_DAYS=30 JOBS_AUDIT_DAYS=400 jobs-server$/,
    )
    expect(audit).toMatch(/^audit\twarning\t.+ none, kept for ever\t/)
    const [step] = await linesOf([
      { kind: 'steps', days: null, oldest: null },
      { kind: 'audit', days: 9, oldest: null },
    ])
    expect(step).toMatch(/start the servers so: JOBS_EVENTS_DAYS=30 jobs-server$/)
  })

  it('warns where events are days over their term, and takes a server that does not report it, or no time, as it is', async () => {
    const [late, odd] = await linesOf([
      { kind: 'steps', days: 30, oldest: daysAgo(45) },
      { kind: 'audit', days: 400, oldest: 'infinity' },
    ])
    expect(late).toMatch(/^events\twarning\t.+\tthe oldest step of a job is 45 days old, and its term is 30 days/)
    expect(odd).toMatch(/^audit\tok\t/)
    expect(odd).not.toContain('NaN')
    const unknown =
      'warning\tthis server does not report it\tnormal for an older jobs-server, and for a server of another program'
    expect(await linesOf(undefined)).toEqual([`events\t${unknown}`, `audit\t${unknown}`])
  })

  it('has the terms of a new database, and does not take the last event for one that should be gone', async () => {
    const world = await openWorld('postgres', { JOBS_BACKGROUND: 'off' })
    try {
      // The time of a sweep that somebody has written by hand is none.
      await world.sql`
        insert into jobsctl_tasks (task, succeeded_at) values ('history', 'infinity')
        on conflict (task) do update set succeeded_at = excluded.succeeded_at`
      await world.sql`insert into job_events (job_id, event_type, created_at) values (1, 'e', now() - interval '90 days')`
      const { out } = await world.jobsctl(['doctor'])
      expect(out).toMatch(/^events\tok\tjob_events .+, oldest step of a job none, kept 30 days(, swept \S+ ago)?\t$/m)
      expect(out).toMatch(
        /^audit\tok\tjob_events .+, oldest action of an operator .+, kept 400 days(, swept \S+ ago)?\t$/m,
      )
    } finally {
      await world.stop()
    }
  })
})
