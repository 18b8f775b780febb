import { expect } from 'vitest'
import * as z from 'zod'
import { catalogueOf } from '../../support/database/catalogue.ts'
import type { World } from '../../support/world.ts'
import { operationOf } from '../support/admin.ts'
import { addSample } from './jobs.ts'
import { differencesOf } from './rows.ts'
import type { Stage } from './suite.ts'

/** Changes that no worker sees: of jobs that have ended, and of jobs that are due in an hour. */
const besideWorkers = [
  ['prune', '--older-than', '1d'],
  ['cancel', '--status', 'queued'],
  ['reschedule', '--in', '2h'],
  ['priority', '--to', '3'],
] as const
const withoutWorkers = [['retry']] as const

const Count = z.looseObject({ affected: z.number(), conflict_count: z.number().default(0) })
const countOf = ({ out, err }: { out: string; err: string }): z.infer<typeof Count> => {
  const read = Count.safeParse(JSON.parse(out || '{}'))
  if (!read.success) throw new Error(`no count in ${out}${err}`)
  return read.data
}

/** Makes each change, and undoes it: the rows that it changed are as many as it said, and none differs at the end. */
export async function expectUndone(stage: Stage): Promise<void> {
  const workers = await addSample(stage)
  for (const argv of besideWorkers) await expectOneUndone(stage, argv)
  await workers.kill()
  for (const argv of withoutWorkers) await expectOneUndone(stage, argv)
}

async function expectOneUndone({ engine, rows, world }: Stage, argv: readonly string[]): Promise<void> {
  const without = engine.volatile[argv[0] === 'prune' ? 'prune' : 'others']
  const before = await rows.read(without)
  const change = ['--domain', engine.domain, '--json']
  const previewed = countOf(await world.jobsctl([...argv, ...change, '--dry-run']))
  const changed = await world.jobsctl([...argv, ...change, '--yes'])
  const { affected } = countOf(changed)
  expect({ argv, affected }).toEqual({ argv, affected: previewed.affected })
  const kept = new Set(await rows.read(without))
  const jobs = before.filter((row) => row.startsWith(`${engine.table} `) && !kept.has(row))
  expect({ argv, jobs: jobs.length }).toEqual({ argv, jobs: affected })
  expect(affected).toBeGreaterThan(0)
  const undone = countOf(await undo(world, changed))
  expect({ argv, undone }).toMatchObject({ argv, undone: { affected, conflict_count: 0 } })
  expect({ argv, differences: differencesOf(before, await rows.read(without)) }).toEqual({ argv, differences: [] })
}

const undo = (world: World, changed: Awaited<ReturnType<World['jobsctl']>>) =>
  world.jobsctl(['undo', operationOf(changed), '--yes', '--json'])

/** Tables that pg-boss makes as days go by, and the records of jobsctl. */
const notTheirs = /queue_stats_\d{8}|\bjobsctl\b/

/** Makes each change and undoes it, and compares the catalog. */
export async function expectCatalogKept(stage: Stage): Promise<void> {
  const { engine, world, database } = stage
  const catalog = async () => (await catalogueOf(database.sql)).filter((line) => !notTheirs.test(line))
  const workers = await addSample(stage)
  await workers.kill()
  const before = await catalog()
  expect(before.filter((line) => line.includes(engine.domain)).length).toBeGreaterThan(0)
  for (const argv of [...besideWorkers, ...withoutWorkers]) {
    const changed = await world.jobsctl([...argv, '--domain', engine.domain, '--yes', '--json'])
    expect(countOf(changed).affected).toBeGreaterThan(0)
    const { code, out, err } = await undo(world, changed)
    expect({ argv, code, out: code === 0 ? '' : out, err: code === 0 ? '' : err }).toEqual({
      argv,
      code: 0,
      out: '',
      err: '',
    })
  }
  expect(await catalog()).toEqual(before)
}
