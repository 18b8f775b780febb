import { expect, it } from 'vitest'
import { changeServer, changesOf, envOf } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { ctrlD, enter, startAtTerminal } from '../../support/programs/terminal.ts'

const prune = ['prune', '--domain', 'chatbooks']

it('the count may be typed with its separators', async () => {
  const server = await fakeServer(({ path }) =>
    path.includes('stats') ? { body: [] } : jobsAnswer(162_801, { conflict_count: 0, conflicts: [] }),
  )
  const person = await startAtTerminal(prune, { env: envOf(server) })
  await person.sees('Type 162801 to go ahead:')
  person.types(`162,801${enter}`)
  expect((await person.ended).code).toBe(0)
  expect(changesOf(server)).toHaveLength(1)
})

it('Ctrl-D at the prompt ends the line before the error', async () => {
  const server = await changeServer(() => jobsAnswer(200))
  const person = await startAtTerminal(prune, { env: envOf(server) })
  await person.sees('Type 200 to go ahead:')
  person.types(ctrlD)
  const { code, screen } = await person.ended
  expect(code).toBe(3)
  expect(screen).toMatch(/Type 200 to go ahead: ?\n+error: not confirmed/)
})

it('after Ctrl-Z and fg the prompt takes the answer', async () => {
  const server = await changeServer(() => jobsAnswer(200, { operation_id: 17, preview: undefined }))
  const person = await startAtTerminal(prune, { env: envOf(server), jobControl: true })
  await person.sees('Type 200 to go ahead:')
  person.types('\x1a')
  await person.sees('continued')
  person.types(`200${enter}`)
  const { screen } = await person.ended
  expect(screen).toContain('deleted 200 jobs in chatbooks')
  expect(changesOf(server)).toHaveLength(1)
})
