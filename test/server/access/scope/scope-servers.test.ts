import { afterAll, beforeAll, expect, it } from 'vitest'
import { asOperator, openScopedWorld } from '../../../support/access/scoped-world.ts'
import { bearer, idOf } from '../../../support/access/tokens.ts'
import { ask, doneOf, previewOf, prune, recordOf } from '../../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../../support/changes/detached.ts'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'

const own = { domains: ['chatbooks'] }

let world: World
let other: World
beforeAll(async () => {
  world = await openScopedWorld('postgres')
  other = await openScopedWorld('postgres', Promise.resolve({ env: world.env, drop: async () => {} }))
})
afterAll(async () => {
  await other?.stop()
  await world?.stop()
})

it('a change that runs on one server stops when its token gets another scope on another one', async () => {
  await world.clear()
  const operator = await asOperator(world, own)
  const id = idOf(operator.token)
  // So many that the change runs until it is stopped.
  await world.jobs(200)
  const { operation_id: operation } = acceptedOf(await detached(operator, prune, { rate: 4 }))
  await until('a job was changed', async () => (await recordOf(world, operation)).affected > 0)
  const scope = { domains: ['tales'] }
  expect(await other.post(`/api/v1/tokens/${id}/scope`, { scope })).toMatchObject({ status: 200 })
  expect(await endOf(world, operation)).toMatchObject({
    ...{ state: 'partial', error: `the scope of the token of its caller (${id}) has changed` },
  })
  expect(await world.count()).toBeGreaterThan(0)
  for (const server of [world, other]) {
    const seen = await server.call('GET', `/api/v1/jobs/operations/${operation}`, undefined, bearer(operator.token))
    expect(seen.status).toBe(404)
  }
})

it('a preview of one server is good on another one, within the same scope', async () => {
  await world.clear()
  const operator = await asOperator(world, own)
  await world.jobs(3)
  await world.jobs(2, { domain: 'tales' })
  const { token } = await previewOf(operator, prune)
  const there = await ask(other, prune, { preview_token: token }, bearer(operator.token))
  expect(doneOf(there)).toMatchObject({ affected: 3, skipped: 0 })
  expect(await world.count()).toBe(2)
})
