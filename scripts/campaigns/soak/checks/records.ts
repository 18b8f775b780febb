import type { Client } from '../../../../sdk/client.ts'
import type { Verdict } from '../../verdict.ts'

/** Checks invariants, and the runs of the policy, as a server tells them at the end. */
export async function checkRecords(client: Client): Promise<Verdict[]> {
  const broken = await client.integrity({})
  const policy = await client.showPolicy()
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
