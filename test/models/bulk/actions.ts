import fc from 'fast-check'
import type postgres from 'postgres'
import type { Change } from '../../support/changes/bulk-tools.ts'
import { jobRow, type Wanted } from '../../support/database/job-row.ts'
import { insertRows } from '../../support/database/tables.ts'
import { workerOf } from '../../support/worker.ts'
import type { World } from '../../support/world.ts'
import { matches } from './observe.ts'

const pick = fc.nat(40)

/** What others do to jobs while an operator looks at a preview. */
export const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('touch', 'touch below', 'come back', 'go', 'use'), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('come'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('work'), pick }) },
)
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

/** A world with a change that is about to happen in it. */
export interface Scene {
  world: World
  change: Change
  /** In the preview. */
  counted: number[]
  /** Written by others since, and before the change came to them. */
  written: Set<number>
  /** While it runs: what it has put back in the queue, a worker may have at once. */
  running: boolean
}

/** Jobs that the change matches, and such as it does not. */
export async function populate(world: World, { wanted }: Change, size: number): Promise<void> {
  const others: Wanted[] = [
    { status: 'completed', days: 2 },
    { status: 'queued', days: 0 },
    { ...wanted, domain: 'other' },
    { status: 'quarantined', days: 3, domain: 'other' },
  ]
  const rows = Array.from({ length: size }, (_, nth) => jobRow(nth % 3 === 2 ? (others[nth % 4] ?? wanted) : wanted))
  await insertRows(world.sql, rows)
}

/** Carries out one of them; each is over when this returns. */
export async function carryOut(scene: Scene, action: Action): Promise<void> {
  const id = scene.counted[action.pick % (scene.counted.length || 1)]
  if (action.do === 'come') return void (await scene.world.jobs(2, scene.change.wanted))
  if (action.do === 'work') return work(scene, action.pick)
  if (id === undefined) return
  for (const written of await write(scene, action.do, id)) scene.written.add(written)
}

/** Writes a job that still is as the preview saw it. */
async function write({ world: { sql }, change }: Scene, what: Action['do'], id: number): Promise<number[]> {
  const status = change.wanted.status ?? 'completed'
  // A change of time or priority leaves the status as it is.
  const where = sql`where id = ${id}::bigint and status = ${status} and (${sql.unsafe(matches[change.kind])})`
  if (what === 'go') return ids(await sql<{ id: number }[]>`delete from jobs ${where} returning id`)
  if (what === 'use')
    return ids(await sql<{ id: number }[]>`update jobs set result = '{"used": true}' ${where} returning id`)
  if (what === 'touch')
    return ids(await sql<{ id: number }[]>`update jobs set priority = priority ${where} returning id`)
  return sql.begin(async (tx) => {
    await tx`savepoint below`
    const [row] = await tx<{ id: number }[]>`update jobs set status = 'failed' ${where} returning id`
    if (what === 'touch below') await tx`rollback to savepoint below`
    const found = await tx<{ id: number }[]>`
      update jobs set status = ${status} where id = ${id}::bigint and status in ('failed', ${status}) and ${row !== undefined}
      returning id`
    return ids(found)
  })
}

const ids = (rows: readonly { id: number }[]): number[] => rows.map(({ id }) => Number(id))

/** A worker takes a job, and does one thing with it. */
async function work({ world, written, running, change: { kind } }: Scene, pick: number): Promise<void> {
  const worker = workerOf(world.post)
  if (pick % 5 === 0) return void (await worker.enqueue())
  const [job] = await worker.lease()
  if (!job) return
  if (!running || kind === 'sweep') written.add(job.id)
  const end = (['complete', 'fail', 'release', 'renew'] as const)[pick % 4] ?? 'renew'
  await worker[end](job).catch(() => {}) // the change may have ended it
}

/** Another program holds rows, or has written them and not yet committed. */
export const takeRows = (tx: postgres.TransactionSql, how: 'lock' | 'touch', rows: number[]) =>
  how === 'lock'
    ? tx`select id from jobs where id = any(${rows}::bigint[]) for update`
    : tx`update jobs set priority = priority where id = any(${rows}::bigint[])`
