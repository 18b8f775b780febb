import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { changeServer, progress, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, type Reply } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const prune = ['prune', '--domain', 'chatbooks', '--older-than', '30d', '--yes']
const again = 'jobsctl prune --domain chatbooks --older-than 30d --dry-run'

describe('a change of which nobody knows whether it was made', () => {
  it.each<[string, Reply]>([
    ['504 of a proxy', { status: 504, body: '<html>gateway time-out</html>' }],
    ['502 without a body', { status: 502, body: '' }],
    ['500 without a code', { status: 500, body: { detail: 'boom' } }],
    ['503 without a code', { status: 503, body: { detail: 'away' } }],
    ['524, which only some proxies know', { status: 524, body: '' }],
  ])('%s: it may still be made, and the dry run shows', async (_what, reply) => {
    const server = await changeServer(() => reply)
    const [text, json] = await Promise.all([runAt(server, prune), runAt(server, [...prune, '--json'])])
    expect(text).toMatchObject({ code: 7, out: '' })
    expect(text.err).toMatch(/^error: .+; the server may still finish it\n/)
    expect(text.err).toContain(`  hint: to see where it stands: ${again}\n`)
    const { error }: { error: unknown } = JSON.parse(json.err)
    expect(error).toMatchObject({ code: 'outcome_unknown', exit: 7, hint: expect.stringContaining(again) })
  })

  it.each<[string, Reply]>([
    ['no JSON', { body: 'hello' }],
    ['nothing', { body: '' }],
    ['204', { status: 204, body: '' }],
    ['a number that is none', { body: { deleted: 'many' } }],
    ['a result that is none', { lines: [{ result: { deleted: null } }] }],
    ['a line that is none', { lines: ['hello\n'] }],
  ])('an answer that says %s: it may have been made, and the dry run shows', async (_what, reply) => {
    const server = await changeServer(() => reply)
    const { code, out, err } = await runAt(server, prune)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error: .+ does not understand; the change may have been made\n/)
    expect(err).toContain(`  hint: to see where it stands: ${again}\n`)
    expect(err).not.toContain('root of a jobs server')
  })

  it.each([[['stop', '5']], [['keep', '5', '--until', '30d']]])('operations %j: its record shows', async (words) => {
    const server = await fakeServer(() => ({ body: {} }))
    const { code, err } = await runAt(server, ['operations', ...words])
    expect(code).toBe(1)
    expect(err).toContain('the change may have been made\n  hint: to see whether it was made: jobsctl operations 5\n')
  })

  it('goes out on a connection of its own, which nobody can have closed for being idle', async () => {
    const used = new Set<Socket>()
    const server = createServer(({ socket, headers }, outgoing) => {
      // As of a balancer that closes an idle connection while the change is on its way.
      if (used.has(socket) && headers['x-confirm'] !== undefined) return socket.resetAndDestroy()
      used.add(socket)
      return outgoing.end(JSON.stringify({ deleted: 2 }))
    })
    onTestFinished(() => void server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = z.object({ port: z.number() }).parse(server.address())
    const env = { JOBSCTL_URL: `http://127.0.0.1:${port}`, JOBSCTL_API_KEY: 'key' }
    expect(await runJobsctl([...prune, '--json'], { env })).toMatchObject({ code: 0 })
  })

  it('that answers without an end is given up', async () => {
    const server = await changeServer(() => ({ body: `"${'x'.repeat(257 * 2 ** 20)}"` }))
    const { code, out, err } = await runAt(server, prune)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('answered with more than 256 MiB; the change may have been made\n')
    expect(err).toContain(`  hint: to see where it stands: ${again}\n`)
  })

  it('where its operation is known, the hint is to look at the operation, at the same target', async () => {
    const server = await changeServer(() => ({ lines: [progress(100), 'hello\n'] }))
    const { code, err } = await runAt(server, [...prune, '--url', server.url])
    expect(code).toBe(1)
    expect(err).toContain('deleted at least 100 jobs in chatbooks, then: ')
    expect(err).toContain(`  hint: to see where it stands: jobsctl operations 17 --url ${server.url}\n`)
  })

  it.each<[string[], string]>([
    [['pause', 'media/ingest'], 'jobsctl queues'],
    [['enqueue', 'media/ingest', '--job-type', 'a'], 'jobsctl events --domain media --queue ingest --job-type a'],
  ])('%j at once: the command that shows it', async (argv, look) => {
    const [gateway, garbage] = await Promise.all([
      fakeServer(() => ({ status: 504, body: '' })),
      fakeServer(() => ({ body: 'hello' })),
    ])
    const [late, odd] = await Promise.all([runAt(gateway, argv), runAt(garbage, argv)])
    const hint = `  hint: to see whether it was made: ${look}\n`
    expect(late).toMatchObject({ code: 7, err: expect.stringContaining(hint) })
    expect(odd).toMatchObject({ code: 1, err: expect.stringContaining(hint) })
  })
})

it.each([
  [500, 'internal', 1],
  [503, 'database_busy', 7],
])('%i with the code %s is our own word that nothing was changed', async (status, code, exit) => {
  const server = await changeServer(() => ({ status, body: { code, detail: 'nothing was changed' } }))
  const run = await runAt(server, prune)
  expect(run).toMatchObject({ code: exit, err: expect.stringMatching(/^error: nothing was changed\n/) })
  expect(run.err).not.toContain('may still')
})

it('a preview that fails is no change', async () => {
  const server = await fakeServer(() => ({ status: 504, body: '' }))
  const { code, err } = await runAt(server, [...prune, '--retries', '0'])
  expect(code).toBe(7)
  expect(err).not.toContain('may still')
})
