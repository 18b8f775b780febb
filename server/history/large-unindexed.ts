import * as z from 'zod'
import type { Sql } from '../database/sql.ts'
import type { EngineHistory, HistorySlice } from '../engines/adapter.ts'
import { narrowedTo, type Place } from '../engines/served.ts'

/**
 * A read of the jobs that ended within the last minutes is made up to this cost, in the units of the planner: a pass over a table of about 80
 * MB. The overview makes the read again every few seconds.
 */
const mostCost = 10_000

const Explained = z.array(z.object({ Plan: z.object({ 'Total Cost': z.number() }) })).length(1)

/** A minute: the plan does not depend on which. */
const minute = { from: 0, to: 60, most: 50_000 } as const

/**
 * A place whose jobs are many, and found by the times of their ends in no index; undefined where the jobs that ended within the last minutes can
 * be read at each place. Nothing is read: the planner is asked.
 */
export async function findLargeUnindexed(
  sql: Sql,
  places: readonly Place[],
): Promise<(Pick<Place, 'found'> & { history: EngineHistory }) | undefined> {
  for (const place of places) {
    const { found, adapter } = place
    const { history } = adapter
    if (!history || history.isIndexed(found)) continue
    const of = narrowedTo(sql, place)
    const slice: HistorySlice = { ...minute, scope: { within: undefined } }
    const [row] = await of`explain (format json) select * from ${history.ended(of, found, slice)} as ended`
    const [explained] = Explained.parse(row?.['QUERY PLAN'])
    if (explained && explained.Plan['Total Cost'] > mostCost) return { found, history }
  }
  return undefined
}
