import { expect, it } from 'vitest'
import { changeServer, changesOf, envOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, previewOf } from '../../support/fakes/fake-server.ts'
import { atTerminal, enter, startAtTerminal } from '../../support/programs/terminal.ts'

const conflicts = [
  { job_id: 8123, reason: 'gone on' },
  { job_id: 8124, reason: 'gone on' },
  { job_id: 8125, reason: 'its id is taken' },
]
const undoServer = (affected: number, found = conflicts) =>
  fakeServer(({ headers }) => ({
    body: {
      ...{ affected, conflict_count: found.length, conflicts: found },
      ...(headers['x-confirm'] ? { operation_id: 18 } : { preview: previewOf(affected) }),
    },
  }))
const note = 'note: 3 jobs cannot be given back: 2 jobs: gone on; 1 job: its id is taken\n'

it('previews, and gives back with --yes, by the token, with the id in the path alone', async () => {
  const server = await undoServer(9500, [])
  const [dry, refused] = [await runAt(server, ['undo', '17', '--dry-run']), await runAt(server, ['undo', '17'])]
  expect(dry).toEqual({ code: 0, out: 'would give back 9,500 jobs of operation 17\n', err: '' })
  expect(refused).toMatchObject({ code: 3, out: '', err: expect.stringContaining('hint: jobsctl undo 17 --yes\n') })
  expect(changesOf(server)).toEqual([])

  const done = await runAt(server, ['undo', '17', '--yes'])
  expect(done).toEqual({ code: 0, out: 'gave back 9,500 jobs of operation 17\n', err: '' })
  expect(changesOf(server)).toMatchObject([
    { path: '/api/v1/jobs/operations/17/undo', text: '{"dry_run":false,"preview_token":"token-of-9500"}' },
  ])
})

it('notes what cannot be given back in every output, and names it for programs', async () => {
  const server = await undoServer(2)
  const [dry, none, json] = await Promise.all([
    runAt(server, ['undo', '17', '--dry-run']),
    undoServer(0).then((empty) => runAt(empty, ['undo', '17', '--yes'])),
    runAt(server, ['undo', '17', '--yes', '--json']),
  ])
  expect([dry, none, json]).toMatchObject([
    { code: 0, err: note },
    { code: 6, out: '' },
    { code: 9, err: note },
  ])
  expect(JSON.parse(json.out)).toEqual({
    ...{ operation: 'undo', dry_run: false, affected: 2, operation_undone: 17, operation_ids: [18] },
    ...{ conflict_count: 3, conflicts },
  })
})

it('at a terminal shows the conflicts before it asks, and no way to take an undo back', async () => {
  const server = await undoServer(2)
  const person = await startAtTerminal(['undo', '17'], { env: envOf(server) })
  await person.sees('Type 2 to go ahead:')
  person.types(`2${enter}`)
  const { code, screen } = await person.ended
  expect(code).toBe(9)
  expect(screen).toMatch(/JOB +REASON\n8123 +gone on\n8124 +gone on\n8125 +its id is taken\n/)
  expect(screen).toContain('would give back 2 jobs of operation 17\n')
  expect(screen).toContain('gave back 2 jobs of operation 17\n')
  expect(screen).not.toContain('To give back')
})

it.each(['0', '-7', '1.5', 'abc', '99999999999999999999'])('refuses %s, which is no operation', async (word) => {
  const server = await changeServer(() => 'reset')
  const run = await runAt(server, ['undo', '--', word])
  expect(run).toMatchObject({ code: 2, out: '', err: expect.stringContaining('must be a whole number') })
  expect(server.requests).toEqual([])
})

it('no such operation is exit 5; --curl shows the call', async () => {
  const server = await fakeServer(() => ({ status: 404, body: { detail: 'there is no operation 17' } }))
  expect(await runAt(server, ['undo', '17', '--yes'])).toMatchObject({ code: 5 })
  const { out } = await runAt(server, ['undo', '17', '--yes', '--curl'])
  expect(out).toContain('curl -X POST "$BASE/api/v1/jobs/operations/17/undo"')
  expect(out).toContain(`-d '{"dry_run":false}'`)
  expect(await atTerminal(['undo'])).toMatchObject({ code: 2 })
})
