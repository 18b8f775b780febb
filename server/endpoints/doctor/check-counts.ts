import type * as z from 'zod'
import type { checkCounts as endpoint } from '../../../shared/doctor/counts.ts'
import type { Call } from '../../call.ts'
import { logReconciliation, reconcile } from '../../counts/reconcile.ts'
import { namesOfIdleTriggers, readCountsState } from '../../counts/trust.ts'

/** Compares the counts of stats with the jobs, and corrects them where they are wrong. */
export async function checkCounts({ sql, log }: Pick<Call, 'sql' | 'log'>): Promise<z.output<typeof endpoint.output>> {
  const { countable, triggers, trusted, mended_at, mended, functions, listing } = await readCountsState(sql)
  const before = { mended_at, mended }
  if (!countable)
    return { kept: false, why: 'jobs is not a plain table, or hides rows from this role', wrong: 0, ...before }
  if (triggers === null) {
    const names = await namesOfIdleTriggers(sql)
    const why = `a trigger of jobs is missing or disabled${names === null ? '' : `: ${names}`}`
    return { kept: false, why, wrong: 0, ...before }
  }
  if (triggers !== trusted) return { kept: false, why: 'the jobs are being counted again', wrong: 0, ...before }
  const known = functions === listing ? functions : null
  const found = (await reconcile(sql, { triggers, functions: known, trusted: true, wait: true })) ?? { jobs: 0 }
  logReconciliation(log, found)
  return { kept: true, why: null, wrong: found.jobs, ...before }
}
