import type { Sql } from '../../../database/sql.ts'
import { engineNames, servedBy } from '../../../engines/served.ts'
import { readHistoryState } from '../../../history/history-state.ts'
import { findLargeUnindexed } from '../../../history/large-unindexed.ts'
import type { Basis } from '../../../history/queue-minutes.ts'

/** What rates are read from; null where neither tells. With why it is not the history, and how to switch that on. */
export async function readBasis(sql: Sql): Promise<{ basis: Basis | null; why: string | null }> {
  const served = servedBy(sql)
  if (served.mode === 'own') {
    const { why } = await readHistoryState(sql)
    return why === null ? { basis: 'history', why } : { basis: 'jobs', why }
  }
  const names = engineNames(served).replaceAll(',', ', ')
  if (!served.places.some(({ adapter }) => adapter.history))
    return { basis: null, why: `the tables of ${names} do not tell when jobs ended: a map with times.ended does` }
  const large = await findLargeUnindexed(sql, served.places)
  if (large)
    return {
      basis: null,
      why: `rates are not known: the table of the domain ${large.found.domain} is large, and no index has the times when its jobs ended. ${large.history.howToIndex(large.found)}`,
    }
  return { basis: 'jobs', why: `no history is kept for ${names}: rates are those of the jobs that are still there` }
}
