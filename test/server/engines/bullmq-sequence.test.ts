import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { fillBullMq, makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { until } from '../../support/poll.ts'

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  const make = async (made: postgres.Sql) => {
    sql = made
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
    await sql`update bullmq.job set finished_at_ms = finished_at_ms - 40 * 86400000::bigint`
  }
  served = await serveTables(make, { records: 'bullmq' })
})
afterAll(() => served.close())

it('a sequence that goes while an undo waits for it: the jobs of its queue stay in the archive, and the others come back', async () => {
  const Pruned = z.looseObject({ operation_id: z.number(), deleted: z.literal(30) })
  const { operation_id } = Pruned.parse(
    (await served.post('prune', { domain: 'bullmq', statuses: ['completed'], older_than_days: 30 })).body,
  )
  const undoing = sql.begin(async (tx) => {
    await tx.unsafe(`drop sequence bullmq.bullmq_jid_${(await tx`select md5(${oddQueues.plain}) as md5`)[0]?.md5}`)
    const undo = served.post(`operations/${operation_id}/undo`, {})
    await until('the undo waits for the sequence', async () => {
      const waiting = await tx`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return waiting.count > 0
    })
    return { undo }
  })
  const { status, body } = await (await undoing).undo
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { affected: 20, conflict_reasons: [{ reason: expect.stringContaining('has begun anew'), count: 10 }] },
  })
})
