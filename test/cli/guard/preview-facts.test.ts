import { describe, expect, it } from 'vitest'
import { changesOf, envOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer, previewOf } from '../../support/fakes/fake-server.ts'
import { atTerminal } from '../../support/programs/terminal.ts'

const group = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'queued', count: 12 }
const owners = [{ owner_user_id: 'alice', count: 4 }]
const times = { oldest: '2026-11-01T10:00:00Z', newest: '2026-11-20T10:00:00Z' }
const row = { queue: 'default', job_type: 'a', queued: 0, scheduled: 0, processing: 0, quarantined: 12 }

/** A server whose preview of 12 jobs has these fields. */
const serverOf = (more: object, answer: object = {}) =>
  fakeServer(({ path }) =>
    path.includes('/stats')
      ? { body: [{ domain: 'chatbooks', ...row }] }
      : jobsAnswer(12, {
          ...{ groups: [group], kept: 3, ...answer },
          preview: previewOf(12, { groups: [group], owners, ...times, ...more }),
        }),
  )

const scope = ['--domain', 'chatbooks']
const facts = { dependents: 3, restorable: 10 }
const shown = ['Owners with the most jobs: alice 4\n', 'Oldest: 2026-11-01 10:00 UTC, newest: 2026-11-20 10:00 UTC\n']
const along = 'Cancelled along: 3 queued jobs that depend on these jobs\n'
const broughtBack = 'Brought back along: 3 cancelled jobs that depend on these jobs\n'
const back = 'An undo could give back 10 of 12 jobs\n'
const why = (one: string, two: string) => `Why these jobs match: 9 ${one}, 3 ${two}\n`
const two = (one: string, other: string) => ({
  reasons: [
    { reason: one, count: 9 },
    { reason: other, count: 3 },
  ],
})
const ofSweep = { ...facts, ...two('age', 'runtime') }
const ofIntegrity = { ...facts, restorable: 0, ...two('stale_lease', 'expired_lease') }

describe('the preview of a change', () => {
  it.each(['prune', 'requeue'])(
    'of %s has the states at 20 columns, too, by which rows may differ alone',
    async (command) => {
      const groups = [group, { ...group, status: 'failed' }, { ...group, status: 'cancelled' }]
      const server = await serverOf({ groups }, { groups })
      const { screen } = await atTerminal([command, ...scope, '--dry-run'], { env: envOf(server), columns: 20 })
      const states = [...screen.matchAll(/^ch\S* +e\S* +(\S)\S* +12\b/gm)].map(([, state]) => state)
      expect(states, screen).toEqual(['q', 'f', 'c'])
      expect(screen).not.toContain('--tsv')
    },
  )

  it.each([
    [['prune', ...scope], facts, along + back, '12 of 15 finished jobs would be deleted'],
    [['sweep', ...scope, '--age', '1d', '--runtime', '2h'], ofSweep, back, 'would cancel 12 jobs in chatbooks\n'],
    [['requeue', ...scope], facts, broughtBack + back, 'would requeue 12 jobs in chatbooks\n'],
    [
      ['integrity', ...scope, '--fix'],
      ofIntegrity,
      'An undo could give back none of these jobs\n',
      'would repair 12 jobs',
    ],
  ])(
    'at a terminal shows groups, owners, ages, dependents and what an undo could do: %j',
    async (words, more, undo, say) => {
      const server = await serverOf(more)
      const { code, screen } = await atTerminal([...words, '--dry-run'], { env: envOf(server) })
      expect(code).toBe(0)
      expect(screen).toMatch(/^QUEUE +TYPE +STATUS +(JOBS|DELETE)/m)
      for (const line of [...shown, undo, say]) expect(screen).toContain(line)
    },
  )

  it('warns where no undo can give the jobs back, and offers none after the change', async () => {
    const server = await serverOf({ restorable: 0, no_way_back: 'nothing is kept\u001b[2J' })
    const words = ['prune', ...scope, '--no-archive']
    const { screen } = await atTerminal([...words, '--dry-run'], { env: envOf(server) })
    expect(screen).toContain('WARNING: there is no way back: nothing is kept\\x1b[2J\n')
    expect(screen).not.toContain('An undo could')
    const { out } = await runAt(server, [...words, '--dry-run'])
    expect(out).toContain('would delete 12 jobs in chatbooks; there is no way back: nothing is kept')
    const done = await atTerminal([...words, '--yes'], { env: envOf(server) })
    expect(done).toMatchObject({ code: 0, screen: expect.not.stringContaining('undo') })
    expect(changesOf(server)).toMatchObject([{ text: expect.stringContaining('"no_archive":true') }])
  })

  it('at a terminal says what the change leaves behind, and what it will not wait for', async () => {
    const volume = { archive_bytes: 45_000_000, wal_bytes: 1_230_000_000, kept_days: 7 }
    const unwatched = { not_watched: ['replica_lag', 'later\u001b[2J'] }
    const server = await serverOf({ ...facts, ...volume, ...unwatched })
    const { screen } = await atTerminal(['prune', ...scope, '--dry-run'], { env: envOf(server) })
    expect(screen).toContain('About 45 MB in the archive, for 7 days, and 1.2 GB of WAL\n')
    expect(screen).toContain(
      'Not watched, since the server may not read it: the lag of replicas (its role lacks pg_monitor), later\\x1b[2J\n',
    )
    const older = await serverOf(facts)
    expect((await atTerminal(['prune', ...scope, '--dry-run'], { env: envOf(older) })).screen).not.toContain('WAL')
  })

  it('at a terminal shows why jobs match, where a change has reasons', async () => {
    const [sweep, integrity, other] = await Promise.all([
      serverOf(ofSweep),
      serverOf(ofIntegrity),
      serverOf(two('age', 'moon')),
    ])
    const words = ['sweep', ...scope, '--age', '1d', '--runtime', '2h', '--dry-run']
    const swept = await atTerminal(words, { env: envOf(sweep) })
    const repaired = await atTerminal(['integrity', ...scope, '--fix', '--dry-run'], { env: envOf(integrity) })
    const unknown = await atTerminal(words, { env: envOf(other) })
    expect(swept.screen).toContain(why('queued for too long', 'running for too long'))
    expect(repaired.screen).toContain(why('with a lease but not running', 'running with an expired lease'))
    expect(unknown.screen).toContain(why('queued for too long', 'moon'))
  })

  it('of an undo has the same table, and below it the jobs that cannot be given back, with the reason', async () => {
    const conflicts = [{ job_id: 8123, reason: 'gone on' }]
    const server = await serverOf({ ...facts, dependents: 0 }, { conflict_count: 1, conflicts })
    const { screen } = await atTerminal(['undo', '17', '--dry-run'], { env: envOf(server) })
    expect(screen).toMatch(/chatbooks\/default +export +queued +12\n/)
    expect(screen).toContain('Owners with the most jobs: alice 4\n')
    expect(screen).toMatch(/Cannot be given back:\n\nJOB +REASON\n8123 +gone on\n/)
    expect(screen).toContain('would give back 12 jobs of operation 17\n')
    expect(screen).not.toContain('An undo could')
  })

  it('off a terminal is one sentence, with what a reader may not expect', async () => {
    const words = ['sweep', ...scope, '--age', '1d', '--runtime', '2h']
    const sentence =
      'would cancel 12 jobs in chatbooks (9 queued for too long, 3 running for too long); ' +
      '3 queued jobs that depend on them would be cancelled along; an undo could give back 10 of them\n'
    const server = await serverOf(ofSweep)
    const plain = await serverOf({ dependents: 0, restorable: 12, reasons: [{ reason: 'age', count: 12 }] })
    expect(await runAt(server, [...words, '--dry-run'])).toEqual({ code: 0, out: sentence, err: '' })
    expect(await runAt(server, words)).toMatchObject({ code: 3, out: '', err: expect.stringContaining(sentence) })
    const lost = await serverOf({ dependents: 0, restorable: 0, reasons: [{ reason: 'age', count: 12 }] })
    expect(await runAt(lost, [...words, '--dry-run'])).toMatchObject({
      out: 'would cancel 12 jobs in chatbooks; an undo could not give them back\n',
    })
    expect(await runAt(plain, [...words, '--dry-run'])).toMatchObject({ out: 'would cancel 12 jobs in chatbooks\n' })
  })
})
