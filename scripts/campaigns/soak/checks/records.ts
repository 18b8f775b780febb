import type { Client } from '../../../../sdk/client.ts'
import type { Verdict } from '../../verdict.ts'
import { within } from '../../within.ts'

/** How long a rule may take to begin again whose server was killed in the middle of a run, in milliseconds. */
const againMs = 180_000

/** Checks invariants, and the runs of the policy, as a server tells them at the end. */
export async function checkRecords(client: Client): Promise<Verdict[]> {
  const broken = await client.integrity({})
  let policy = await client.showPolicy()
  await within(againMs, async () => {
    policy = await client.showPolicy()
    return !policy.rules.some(({ last }) => last?.state === 'running' && last.problem !== null)
  })
  const rules = policy.rules.filter(({ last }) => last === null || last.problem !== null)
  return [
    {
      claim: 'no job breaks an invariant',
      looked: 1,
      wrong: broken.non_processing_with_lease + broken.processing_expired === 0 ? [] : [JSON.stringify(broken)],
    },
    {
      claim: 'each rule of the policy has run, without a problem',
      looked: policy.rules.length,
      wrong: rules.map((rule) => JSON.stringify(rule)),
    },
  ]
}
