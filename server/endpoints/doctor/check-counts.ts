import type { KeptCounts } from '../../../shared/doctor/counts.ts'
import type { ServerContext } from '../../call.ts'
import { findIdleTriggers, sentenceOf } from '../../counts/idle-triggers.ts'
import { logReconciliation, reconcile } from '../../counts/reconcile.ts'
import { countedTables } from '../../counts/triggers.ts'
import { type CountsState, readCountsState, whyNotCountable } from '../../counts/trust.ts'
import type { Sql } from '../../database/sql.ts'
import type { OutputOf } from '../handlers.ts'

/** Compares the counts of stats with the jobs, and corrects them where they are wrong. */
export async function checkCounts({ sql, log }: Pick<ServerContext, 'sql' | 'log'>): Promise<OutputOf<'checkCounts'>> {
  const state = await readCountsState(sql)
  const kept = await describeCounts(sql, state)
  const { triggers, functions, listing } = state
  if (!kept.kept || triggers === null) return { ...kept, wrong: 0 }
  const known = functions === listing ? functions : null
  const found = await reconcile(sql, { triggers, functions: known, trusted: true, wait: true })
  if (!found) return { ...(await keptCounts(sql)), wrong: 0 }
  logReconciliation(log, found)
  return { ...kept, wrong: found.jobs }
}

/** Whether stats use the counts that triggers keep. Only reads, and compares nothing with the jobs. */
export const keptCounts = async (sql: Sql): Promise<KeptCounts> => describeCounts(sql, await readCountsState(sql))

async function describeCounts(sql: Sql, state: CountsState): Promise<KeptCounts> {
  const { countable, triggers, trusted, mended_at, mended } = state
  const before = { mended_at, mended }
  if (!countable) return { kept: false, why: await whyNotCountable(sql), ...before }
  if (triggers === null) {
    const tables = await countedTables(sql)
    const names = Object.keys(tables[0]?.triggers ?? {})
    const idle = await findIdleTriggers(sql, { names, tables: tables.map(({ oid }) => oid) })
    // Without an idle trigger, a partition was detached.
    if (idle.length > 0 || tables.length <= 1) return { kept: false, why: sentenceOf(idle), triggers: idle, ...before }
  }
  if (triggers === null || triggers !== trusted)
    return { kept: false, why: 'the jobs are being counted again', ...before }
  return { kept: true, why: null, ...before }
}
