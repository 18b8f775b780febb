import { type Client, createClient } from '../../../sdk/client.ts'
import type { Server } from '../../launch/restartable.ts'
import { apiKey } from '../../launch/server.ts'
import type { Workers } from '../../launch/workers.ts'
import { mustLook, type Verdict } from '../verdict.ts'
import { within } from '../within.ts'

/** How long an operation whose server was killed may take until another server has ended it, in milliseconds. */
const takeoverMs = 60_000

/** Checks what every server promises at the end, whatever was done to it, and stops the servers. */
export async function closeStage({ servers }: { servers: readonly [Server, Server] }): Promise<Verdict[]> {
  const client = createClient({ url: servers[0].url, apiKey })
  const running = () => client.listOperations({ state: 'running' })
  await within(takeoverMs, async () => (await running()).length === 0)
  const left = await running()
  // After a partition was attached or detached, the counts are compared with the jobs first.
  await within(takeoverMs, async () => (await client.checkCounts()).kept)
  const counts = await client.checkCounts()
  await recordOneChange(client)
  const verified = await client.verifyOperations()
  await Promise.all(servers.map((server) => server.end('SIGTERM')))
  const verdicts: Verdict[] = [
    {
      claim: 'the counts of stats equal the jobs, and never had to be set right',
      looked: 1,
      wrong: counts.kept && counts.wrong === 0 && counts.mended === null ? [] : [JSON.stringify(counts)],
    },
    {
      claim: 'the hash chain of the records is whole',
      looked: verified.days.length,
      wrong: verified.ok ? [] : [JSON.stringify(verified)],
    },
    { claim: 'no operation is left running', looked: 1, wrong: left.map(({ id }) => `operation ${id}`) },
    {
      claim: 'no server logs an error or ends by one',
      looked: servers.length,
      wrong: servers.flatMap((server) => server.errors()),
    },
  ]
  return verdicts.map(mustLook)
}

/** Changes a job of its own: the changes of a short run may all have found no job, and then left no record to verify. */
async function recordOneChange(client: Client): Promise<void> {
  const domain = 'closing'
  await client.enqueue({ domain, job_type: 'noop', payload: {} })
  await client.setPriority({ domain, priority: 1 }, { confirm: true })
}

/** Checks that no worker ended by an error, or did not end when it was told to. */
export const checkWorkers = ({ count, faults }: Pick<Workers, 'count' | 'faults'>): Verdict => ({
  ...{ claim: 'no worker ends by an error', looked: count, wrong: faults },
})
