import { expect, it } from 'vitest'
import { changesOf, envOf, isChange, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer, previewOf } from '../../support/fakes/fake-server.ts'
import { atTerminal, enter, startAtTerminal } from '../../support/programs/terminal.ts'

const retry = ['retry', '--domain', 'chatbooks']

/** A server that has counted 1,200 jobs and not all. */
const serverOf = () =>
  fakeServer((request) => {
    if (isChange(request)) return { body: { affected: 5000, operation_id: 17 } }
    const preview = previewOf(1200, { complete: false, count_at_least: 1200 })
    return jobsAnswer(1200, { preview })
  })

it('says at least, and that the change needs a limit', async () => {
  const server = await serverOf()
  const { code, screen } = await atTerminal([...retry, '--dry-run'], { env: envOf(server) })
  expect({ code, screen }).toMatchObject({
    code: 0,
    screen: expect.stringContaining('would retry at least 1,200 jobs'),
  })
  expect(screen).toContain('so that the change needs --max')
  expect(screen).not.toContain('To do it')
  const limited = await atTerminal([...retry, '--max', '9000', '--dry-run'], { env: envOf(server) })
  expect(limited.screen).toContain('To do it:  jobsctl retry --domain chatbooks --yes --max 9000')
  const { out } = await runAt(server, [...retry, '--dry-run', '--json'])
  expect(JSON.parse(out)).toMatchObject({ affected: 1200, preview: { complete: false, count_at_least: 1200 } })
})

it.each([
  [['--yes'], 2, 'no limit is given; nothing was changed', '--max'],
  [['--yes', '--max', '1000'], 8, 'above the limit of 1,000', '--max'],
  [['--yes', '--max', '9000', '--canary', '2'], 2, '--canary needs the count of all jobs', 'narrow'],
  [['--dry-run', '--plan-out', '/nowhere/plan'], 2, '--plan-out needs the count of all jobs', 'narrow'],
  [['--max', '9000'], 3, 'without --yes', '--max 9000'],
])('%j: exit %i, and nothing is sent', async (words, exit, detail, hint) => {
  const server = await serverOf()
  const { code, err } = await runAt(server, [...retry, ...words])
  expect({ code, err }).toMatchObject({ code: exit, err: expect.stringContaining(detail) })
  expect(err).toContain(hint)
  expect(changesOf(server)).toEqual([])
})

it('goes ahead within the limit, which a person types', async () => {
  const server = await serverOf()
  const done = await runAt(server, [...retry, '--yes', '--max', '9000'])
  expect(done).toEqual({ code: 0, out: 'retried 5,000 jobs in chatbooks\n', err: '' })
  expect(changesOf(server)[0]?.body).toMatchObject({ max: 9000, preview_token: expect.any(String) })
  const terminal = await startAtTerminal([...retry, '--max', '9000'], { env: envOf(server) })
  await terminal.sees('Type 9000 to go ahead')
  terminal.types(`9000${enter}`)
  expect((await terminal.ended).code).toBe(0)
})
