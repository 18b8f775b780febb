import { expect } from 'vitest'
import * as z from 'zod'
import { operationOf } from '../support/admin.ts'
import { dueLater, jobsOf } from './jobs.ts'
import type { Stage } from './suite.ts'

const Groups = z.array(z.looseObject({ domain: z.string(), scheduled: z.number() }))

/** Changes the jobs of each of two schemas, and undoes it: the other schema stays as it is. */
export async function expectSchemasApart({ engine, database, rows }: Stage): Promise<void> {
  await database.add(dueLater(jobsOf(engine, 4, 'end')))
  const other = (await database.addSchema?.(dueLater(jobsOf(engine, 3, 'end')))) ?? ''
  const world = await database.serve()
  const counted = Groups.parse((await world.call('GET', '/api/v1/jobs/stats')).body)
  const sum = (domain: string) =>
    counted.filter((group) => group.domain === domain).reduce((all, { scheduled }) => all + scheduled, 0)
  expect({ [engine.domain]: sum(engine.domain), [other]: sum(other) }).toEqual({ [engine.domain]: 4, [other]: 3 })
  const read = async () => ({
    [engine.domain]: await rows.read(engine.volatile.others),
    [other]: await rows.read(engine.volatile.others, other),
  })
  const before = await read()
  const refused = await world.jobsctl(['cancel', '--all', '--yes'])
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(`--domain ${engine.domain}`) })
  expect(await read()).toEqual(before)
  for (const [domain, left, count] of [
    [other, engine.domain, 3],
    [engine.domain, other, 4],
  ] as const) {
    const cancelled = await world.jobsctl(['cancel', '--domain', domain, '--yes', '--json'])
    expect(JSON.parse(cancelled.out)).toMatchObject({ affected: count })
    const after = await read()
    expect(after[left]).toEqual(before[left])
    expect(after[domain]).not.toEqual(before[domain])
    expect(await world.jobsctl(['undo', operationOf(cancelled), '--yes'])).toMatchObject({ code: 0 })
    expect(await read()).toEqual(before)
  }
}
