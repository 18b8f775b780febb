import { expect, it } from 'vitest'
import { envOf, recordOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer, previewOf } from '../../support/fakes/fake-server.ts'
import { atTerminal } from '../../support/programs/terminal.ts'

const conflicts = [{ job_id: 8123, reason: 'gone on' }]

/** A server whose undo gives back some jobs and not others; a test says what the records are. */
const undoServer = (affected: number, found: object[], records: Record<string, object> = {}) =>
  fakeServer(({ method, path, headers }) => {
    const id = path.split('/').at(-1) ?? ''
    if (method === 'GET') return { body: recordOf(records[id] ?? {}) }
    const answer = headers['x-confirm'] ? { operation_id: 18 } : { preview: previewOf(affected) }
    return { body: { affected, conflict_count: found.length, conflicts: found, ...answer } }
  })

it('an undo that gives back some of the jobs ends with exit 9, and one that gives back all with 0', async () => {
  const [some, all] = [await undoServer(14, conflicts), await undoServer(14, [])]
  expect(await runAt(some, ['undo', '17', '--yes'])).toMatchObject({
    code: 9,
    out: 'gave back 14 jobs of operation 17\n',
    err: 'note: 1 job cannot be given back: 1 job: gone on\n',
  })
  expect(await runAt(all, ['undo', '17', '--yes'])).toMatchObject({ code: 0, err: '' })
})

it('an undo that gives back no job ends with exit 6 and the reasons', async () => {
  const server = await undoServer(0, conflicts)
  const { code, out, err } = await runAt(server, ['undo', '17', '--yes'])
  expect({ code, out }).toEqual({ code: 6, out: '' })
  expect(err).toBe(
    'error: operation 17 has no job that can be given back: 1 job: gone on; nothing was changed\n' +
      '  hint: to see the operation and its jobs: jobsctl operations 17\n',
  )
})

it('an undo of an undone operation names the operation that undid it, and when', async () => {
  const server = await undoServer(0, [], {
    17: { state: 'undone', undone_by: 19 },
    19: { id: 19, ended_at: '2026-11-24T12:34:09Z' },
  })
  const { code, err } = await runAt(server, ['undo', '17', '--yes'])
  expect(code).toBe(6)
  expect(err).toContain('operation 17 was undone by operation 19 at 2026-11-24 12:34 UTC; nothing was changed')
})

it.each([
  [7, 'To give back 7 of 200 jobs:  jobsctl undo 17'],
  [200, 'To give back 200 jobs:  jobsctl undo 17'],
  [0, 'note: there is no way back: jobsctl undo can give back no job of this change'],
])('after a change the line on undo has the number that an undo would give back: %i', async (restorable, line) => {
  const server = await fakeServer(({ path, headers }) => {
    if (path.includes('/undo')) return jobsAnswer(restorable, { conflict_count: 0, conflicts: [] })
    return jobsAnswer(200, headers['x-confirm'] ? { operation_id: 17, preview: undefined } : {})
  })
  const words = ['sweep', '--domain', 'chatbooks', '--runtime', '2h', '--yes']
  const { code, screen } = await atTerminal(words, { env: envOf(server) })
  expect(code).toBe(0)
  expect(screen).toContain(`cancelled 200 jobs in chatbooks\n${line}\n`)
})

it('after a prune whose jobs the server has not kept, the line says that there is no way back', async () => {
  const server = await fakeServer(({ path, headers }) => {
    if (path.includes('/undo'))
      return { status: 409, body: { code: 'conflict', detail: 'the archive does not have the jobs' } }
    return jobsAnswer(
      200,
      headers['x-confirm'] ? { operation_id: 17, deleted: 200, preview: undefined } : { deleted: 200 },
    )
  })
  const words = ['prune', '--domain', 'chatbooks', '--older-than', '30d', '--yes']
  const { code, screen } = await atTerminal(words, { env: envOf(server) })
  expect(code).toBe(0)
  expect(screen).toContain('note: there is no way back: jobsctl undo can give back no job of this change\n')
  expect(screen).not.toContain('To undo it')
})

it('every change has the same table at a terminal: groups, owners, ages, and for a sweep the reason', async () => {
  const group = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'processing', count: 5 }
  const more = { groups: [group], owners: [{ owner_user_id: 'alice', count: 4 }] }
  const times = { oldest: '2026-11-01T10:00:00Z', newest: '2026-11-20T10:00:00Z' }
  const server = await fakeServer(() => jobsAnswer(5, { preview: previewOf(5, { ...more, ...times }) }))
  const words = ['sweep', '--domain', 'chatbooks', '--runtime', '2h', '--dry-run']
  const { screen } = await atTerminal(words, { env: envOf(server) })
  expect(screen).toMatch(
    /QUEUE +TYPE +STATUS +JOBS +WHY\nchatbooks\/default +export +processing +5 +running for over 2h\n/,
  )
  expect(screen).toContain('Owners with the most jobs: alice 4\n')
  expect(screen).toContain('Oldest: 2026-11-01 10:00 UTC, newest: 2026-11-20 10:00 UTC\n')
})
