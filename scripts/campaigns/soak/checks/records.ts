import type { Client } from '../../../../sdk/client.ts'
import type { Verdict } from '../../stress/checks/verdict.ts'

/** Checks counts, invariants, records and the runs of the policy, as a server tells them at the end. */
export async function checkRecords(client: Client): Promise<Verdict[]> {
  const counts = await client.checkCounts()
  const broken = await client.integrity({})
  const verified = await client.verifyOperations()
  const policy = await client.showPolicy()
  const running = await client.listOperations({ state: 'running' })
  const rules = policy.rules.filter(({ last }) => last === null || last.problem !== null)
  return [
    {
      claim: 'the counts of stats equal the jobs, and never had to be set right',
      looked: 1,
      wrong: counts.kept && counts.wrong === 0 && counts.mended === null ? [] : [JSON.stringify(counts)],
    },
    {
      claim: 'no job breaks an invariant',
      looked: 1,
      wrong: broken.non_processing_with_lease + broken.processing_expired === 0 ? [] : [JSON.stringify(broken)],
    },
    {
      claim: 'the hash chain of the records is whole',
      looked: verified.days.length,
      wrong: verified.ok ? [] : [JSON.stringify(verified)],
    },
    { claim: 'no operation is left running', looked: 1, wrong: running.map(({ id }) => `operation ${id}`) },
    {
      claim: 'each rule of the policy has run, without a problem',
      looked: policy.rules.length,
      wrong: rules.map((rule) => JSON.stringify(rule)),
    },
  ]
}
