import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { VanishingQueue } from '../../../shared/queues/vanishing.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Reading } from '../../call.ts'
import type { Narrowed } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { fromEachPlace, servedBy } from '../../engines/served.ts'
import { stats } from './stats.ts'

/**
 * The counts now. Where an engine counts by a pass over its table, which may take long, each group says when that began; where an engine deletes
 * ended jobs by itself, each group of such a queue says so.
 */
export async function statsNow({ sql, within }: Reading, scope: Scope): Promise<GroupStats[]> {
  const { places } = servedBy(sql)
  const passes = new Set(places.flatMap(({ adapter, found }) => (adapter.countsByPass ? [found.domain] : [])))
  const as_of = passes.size > 0 ? await readNow(sql) : undefined
  const groups = await stats({ sql, within }, scope)
  const vanishing = await readVanishing(sql, { ...scope, within })
  if (as_of === undefined && vanishing.length === 0) return groups
  const states = new Map(vanishing.map(({ domain, queue, states }) => [JSON.stringify([domain, queue]), states.join()]))
  return groups.map((group) => {
    const removed = states.get(JSON.stringify([group.domain, group.queue]))
    return {
      ...group,
      ...(removed && { vanishing: removed }),
      ...(passes.has(group.domain) && as_of !== undefined && { as_of }),
    }
  })
}

async function readNow(sql: Sql): Promise<string> {
  const [{ now }] = await sql<[{ now: string }]>`select now() as now`
  return now
}

/** The queues of a scope whose ended jobs their engine deletes by itself. */
export const readVanishing = async (sql: Sql, scope: Narrowed): Promise<VanishingQueue[]> =>
  (await fromEachPlace(sql, async ({ adapter, found }, of) => (await adapter.vanishing?.(of, found, scope)) ?? [])) ??
  []
