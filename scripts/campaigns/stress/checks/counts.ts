import { checkCounts as endpoint } from '../../../../shared/endpoints.ts'
import type { Caller } from '../actors/caller.ts'
import type { Verdict } from './verdict.ts'

/** Checks that the counts of stats equal the jobs, and that no reconcile had to repair them during the run. */
export async function checkCounts({ call }: Caller): Promise<Verdict> {
  const { body, code } = await call(endpoint, {})
  const correct = body?.kept === true && body.wrong === 0 && body.mended === null
  return {
    claim: 'the counts of stats equal the jobs',
    looked: 1,
    wrong: correct ? [] : [JSON.stringify(body ?? code)],
  }
}
