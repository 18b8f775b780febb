import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import * as z from 'zod'
import { partitionJobs } from '../../../launch/partition-jobs.ts'

/** The flag of the groups that play on partitions, too. */
export const partitions = z
  .boolean()
  .default(false)
  .describe('jobs has partitions by domain, and one more is attached and detached meanwhile')

/** Gives the empty table of jobs a partition for each of these domains, and one for all others. */
export const divideByDomain = (sql: Sql, domains: readonly string[]): Promise<void> =>
  partitionJobs(sql, {
    ...({ by: 'list', column: 'domain' } as const),
    parts: [
      ...domains.map((domain, at) => `create table jobs_${at} partition of jobs for values in ('${domain}')`),
      'create table jobs_others partition of jobs default',
    ].join(';\n'),
  })

const attach = `
  create table jobs_nobody (like jobs including all);
  alter table jobs attach partition jobs_nobody for values in ('nobody')`
const detach = 'alter table jobs detach partition jobs_nobody; drop table jobs_nobody'

/**
 * Attaches a partition without jobs and detaches it, in turn. It waits for locks for 200 ms, since writers wait behind it, and goes on
 * after an error: others end its sessions.
 * @returns a function that ends it, and resolves to the number of times that it changed the partitions
 */
export function attachAndDetach(sql: Sql): () => Promise<number> {
  let [done, isOver] = [0, false]
  const once = async () => {
    const [there] = await sql`select from pg_inherits where inhrelid = to_regclass('jobs_nobody')`
    await sql.begin(async (tx) => {
      await tx`set local lock_timeout = '200ms'`
      await tx.unsafe(there ? detach : attach)
    })
    done += 1
  }
  const loop = async () => {
    for (; !isOver; await wait(500)) await once().catch(() => {})
  }
  const ended = loop()
  return async () => {
    isOver = true
    await ended
    return done
  }
}
