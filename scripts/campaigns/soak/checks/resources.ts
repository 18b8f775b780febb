import type { Sql } from 'postgres'
import type { Server } from '../../../launch/restartable.ts'
import type { Verdict } from '../../verdict.ts'
import { within } from '../../within.ts'
import { type Sample, type Samples, sampleOf, staleSessions } from '../samples.ts'

/** Descriptors that a server may have more than when it was ready: the connections to PostgreSQL that it opens when they are needed. */
const mostMore = 12
/** How long the descriptors and locks may take until they are given back after the last call, in milliseconds. */
const limitMs = 60_000

/** Checks, after the last call, that each server has given back its descriptors. `ready` is what each had before its first call. */
export async function checkDescriptors(
  servers: readonly Server[],
  ready: readonly (Sample | undefined)[],
): Promise<Verdict> {
  const wrong: string[] = []
  for (const [at, server] of servers.entries()) {
    const before = ready[at]?.descriptors ?? 0
    let now = 0
    const returned = await within(limitMs, async () => {
      now = (await sampleOf(server.pid(), 0))?.descriptors ?? 0
      return now <= before + mostMore
    })
    if (!returned) wrong.push(`${server.url} has ${now} descriptors, and had ${before} when it was ready`)
  }
  return { claim: `descriptors come back, up to ${mostMore} of connections that stay`, looked: servers.length, wrong }
}

/** Checks that no transaction stayed open for a minute, and that no advisory lock is left when nobody calls. */
export async function checkLocks(sql: Sql, samples: Samples): Promise<Verdict> {
  const wrong = [...new Set(samples.stale)]
  let left = 0
  const free = await within(limitMs, async () => {
    const [row] = await sql<
      [{ count: number }]
    >`select count(*)::int as count from pg_locks where locktype = 'advisory'`
    left = row.count
    return left === 0
  })
  if (!free)
    wrong.push(`${left} advisory locks stay: ${(await staleSessions(sql, 0)).map(({ what }) => what).join('; ')}`)
  return { claim: 'no transaction stays open, and no advisory lock is left', looked: samples.all.length, wrong }
}
