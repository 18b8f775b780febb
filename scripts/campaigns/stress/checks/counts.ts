import { checkCounts as operation } from '../../../../shared/endpoints.ts'
import type { Caller } from '../actors/caller.ts'
import type { Verdict } from './verdict.ts'

/** What stats go by is what is there, and has been all the time, whoever was killed meanwhile. */
export async function checkCounts({ call }: Caller): Promise<Verdict> {
  const { body, code } = await call(operation, {})
  const right = body?.kept === true && body.wrong === 0 && body.mended === null
  return {
    claim: 'the counts behind stats are those of the jobs',
    looked: 1,
    wrong: right ? [] : [JSON.stringify(body ?? code)],
  }
}
