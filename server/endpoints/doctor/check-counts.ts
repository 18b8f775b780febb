import type { ServerContext } from '../../call.ts'
import { findIdleTriggers, sentenceOf } from '../../counts/idle-triggers.ts'
import { logReconciliation, reconcile } from '../../counts/reconcile.ts'
import { countedTables } from '../../counts/triggers.ts'
import { readCountsState, whyNotCountable } from '../../counts/trust.ts'
import type { OutputOf } from '../handlers.ts'

/** Compares the counts of stats with the jobs, and corrects them where they are wrong. */
export async function checkCounts({ sql, log }: Pick<ServerContext, 'sql' | 'log'>): Promise<OutputOf<'checkCounts'>> {
  const { countable, triggers, trusted, mended_at, mended, functions, listing } = await readCountsState(sql)
  const before = { mended_at, mended }
  if (!countable) return { kept: false, why: await whyNotCountable(sql), wrong: 0, ...before }
  if (triggers === null) {
    const tables = await countedTables(sql)
    const names = Object.keys(tables[0]?.triggers ?? {})
    const idle = await findIdleTriggers(sql, { names, tables: tables.map(({ oid }) => oid) })
    // Without an idle trigger, a partition was detached.
    if (idle.length > 0 || tables.length <= 1)
      return { kept: false, why: sentenceOf(idle), triggers: idle, wrong: 0, ...before }
  }
  if (triggers === null || triggers !== trusted)
    return { kept: false, why: 'the jobs are being counted again', wrong: 0, ...before }
  const known = functions === listing ? functions : null
  const found = (await reconcile(sql, { triggers, functions: known, trusted: true, wait: true })) ?? { jobs: 0 }
  logReconciliation(log, found)
  return { kept: true, why: null, wrong: found.jobs, ...before }
}
