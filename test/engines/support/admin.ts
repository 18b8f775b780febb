import * as z from 'zod'
import { until } from '../../support/poll.ts'
import type { Ended } from '../../support/programs/child.ts'
import type { World } from '../../support/world.ts'
import { makeRecords as makeRecordsOf } from './engine-database.ts'
import type { BossDatabase } from './world.ts'

/** Makes the tables of records and of the archive, as an operator does. @throws Error with what jobs-server says */
export const makeRecords = ({ env }: BossDatabase): Promise<void> => makeRecordsOf('pg-boss', env)

/** Makes those tables, and starts a server that may change jobs. */
export async function openRecords(database: BossDatabase): Promise<World> {
  await makeRecords(database)
  return database.serve()
}

const Changed = z.looseObject({ operation_ids: z.tuple([z.number()]) })

/** The number of the operation in the JSON of a change, for `jobsctl undo`. @throws Error with what was printed */
export function operationOf({ out, err }: Ended): string {
  const read = Changed.safeParse(JSON.parse(out || '{}'))
  if (!read.success) throw new Error(`no operation in ${out}${err}`)
  return String(read.data.operation_ids[0])
}

/** Waits until pg-boss has maintained every queue, once for each of the passes, from now on. */
export async function untilMaintained({ sql }: BossDatabase, passes: number): Promise<void> {
  for (let pass = 0; pass < passes; pass++) {
    const [{ now }] = await sql<[{ now: Date }]>`select now()`
    await until('pg-boss has maintained its queues', async () => {
      const [left] = await sql`select from pgboss.queue where maintain_on is null or maintain_on <= ${now}`
      return left === undefined
    })
  }
}
