import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { changesOf, envOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer, previewOf } from '../../../support/fakes/fake-server.ts'
import { enter, startAtTerminal } from '../../../support/programs/terminal.ts'

const value = 'alice@example.test, 5 Main St'
const group = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'gone', count: 12 }
const noWayBack = 'the jobs are erased for good'
const preview = previewOf(12, { groups: [group], restorable: 0, no_way_back: noWayBack })

/** A server with 12 jobs to erase, two running jobs, and a record that names the value. */
const eraseServer = () =>
  fakeServer(({ headers }) => ({
    body: {
      ...{ affected: 12, filter_hash: 'abc', passed_over: { running: 2, held: 3, unreadable: 0 } },
      named_in: { count: 1, operations: [3] },
      ...(headers['x-confirm'] ? { operation_id: 18 } : { preview }),
    },
  }))

const by = ['--owner', value, '--payload', `customer.email=${value}`]

it('warns, asks for the count, offers no undo, and repeats the value in no output', async () => {
  const server = await eraseServer()
  const person = await startAtTerminal(['erase', ...by], { env: envOf(server) })
  await person.sees('Type 12 to go ahead:')
  person.types(`12${enter}`)
  const { code, screen } = await person.ended
  expect(code).toBe(9)
  expect(screen).toContain(`WARNING: there is no way back: ${noWayBack}\n`)
  expect(screen).toContain('would erase 12 jobs\n')
  expect(screen).toContain('note: 2 jobs running: passed over; run the command again when no worker has them\n')
  expect(screen).toContain('note: 3 jobs kept by a hold: passed over\n')
  expect(screen).toContain('stay as they were sealed: operations 3\n')
  expect(screen).toContain('erased 12 jobs\n')
  expect(screen).not.toMatch(/undo (it|18)/)
  expect(screen).not.toContain(value)
  const [change, ...more] = changesOf(server)
  expect(more).toEqual([])
  expect(JSON.parse(change?.text ?? '')).toEqual({
    ...{ owner_user_id: value, payload: [{ path: 'customer.email', value }] },
    ...{ dry_run: false, preview_token: 'token-of-12' },
  })
})

it('says how many jobs are cancelled along, before and after', async () => {
  const server = await fakeServer(({ headers }) => ({
    body: {
      ...{ affected: 12, filter_hash: 'abc', passed_over: { running: 0, held: 0, unreadable: 0 } },
      named_in: { count: 0, operations: [] },
      ...(headers['x-confirm'] ? { operation_id: 18, dependents: 4 } : { preview: { ...preview, dependents: 4 } }),
    },
  }))
  const dry = await runAt(server, ['erase', ...by, '--dry-run'])
  expect(dry.out).toContain('would erase 12 jobs; 4 queued jobs that depend on them would be cancelled along')
  const done = await runAt(server, ['erase', ...by, '--yes', '--json'])
  expect(done).toMatchObject({ code: 0, err: 'note: 4 jobs that depend on them were cancelled along\n' })
  expect(JSON.parse(done.out)).toMatchObject({ affected: 12, dependents: 4 })
})

it('is refused off a terminal without --yes, with a hint that hides the value, and runs in scripts with it', async () => {
  const server = await eraseServer()
  const refused = await runAt(server, ['erase', ...by])
  expect(refused).toMatchObject({ code: 3, out: '' })
  expect(refused.err).toContain("hint: jobsctl erase --owner '…' --payload 'customer.email=…' --yes\n")
  expect(`${refused.err}`).not.toContain(value)
  expect(changesOf(server)).toEqual([])
  const json = await runAt(server, ['erase', '8123', '8124', '--domain', 'chatbooks', '--yes', '--json'])
  expect(json.code).toBe(9)
  expect(JSON.parse(json.out)).toEqual({
    ...{
      operation: 'erase',
      dry_run: false,
      affected: 12,
      domain: 'chatbooks',
      operation_ids: [18],
      filter_hash: 'abc',
    },
    ...{ passed_over: { running: 2, held: 3, unreadable: 0 }, named_in: { count: 1, operations: [3] } },
  })
})

it('makes no plan, and takes no command line that does not say whose data', async () => {
  const server = await eraseServer()
  const folder = await newFolder('erase')
  for (const words of [
    [...by, '--dry-run', '--plan-out', join(folder, 'plan.json')],
    ['--domain', 'chatbooks', '--yes'],
    ['--owner', ' ', '--yes'],
    ['--payload', 'email', '--yes'],
    ['--payload', 'email=', '--yes'],
    ['8123', '--ids-file', 'ids.txt', '--yes'],
    ['8123', '--domain', '', '--yes'],
  ]) {
    const { code, out, err } = await runAt(server, ['erase', ...words])
    expect([code, out], words.join(' ')).toEqual([2, ''])
    expect(err).not.toContain(value)
  }
  expect(await readdir(folder)).toEqual([])
  expect(changesOf(server)).toEqual([])
})
