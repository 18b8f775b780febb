import { expect, it } from 'vitest'
import { recordOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'

/** Names that every object of JavaScript inherits. */
const inherited = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__']

it('errors of a server name fields that every object of JavaScript inherits', async () => {
  const faults = inherited.map((path) => ({ path, message: 'must be a number' }))
  const server = await fakeServer(() => ({ status: 422, body: { detail: 'no', errors: faults } }))
  const { code, err } = await runAt(server, ['stats'])
  expect(code).toBe(2)
  const lines = inherited.map((name) => `${name}: must be a number`)
  expect(err).toBe(`error: ${lines.join('\n  ')}\n  hint: jobsctl stats --help\n`)
})

it.each(inherited)(
  'an operation in the state %s, which no version knows, is printed without a colour',
  async (state) => {
    const server = await fakeServer(() => ({ body: [recordOf({ state })] }))
    const { code, out, err } = await runAt(server, ['operations', '-o', 'table', '--color', 'always'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(` ${state} `)
  },
)
