import type { Evidence } from '../../stress/checks/evidence.ts'
import { checkReaders } from '../../stress/checks/readers.ts'
import { judge, type Verdict } from '../../verdict.ts'
import type { OldPrimary } from '../old-primary.ts'

/**
 * Each reader received every event that the database has, once, in order. After an asynchronous failover a reader may have
 * received events that PostgreSQL has lost, and no others that the database lacks.
 */
export function checkReadersAcrossLoss(evidence: Evidence, { lost }: OldPrimary): Verdict[] {
  const there = idsOf(evidence.events)
  const gone = idsOf(lost)
  const isLost = (id: number) => gone.has(id) && !there.has(id)
  return checkReaders({
    ...evidence,
    readers: evidence.readers.map((reader) => ({ ...reader, ids: reader.ids.filter((id) => !isLost(id)) })),
  })
}

/** The new primary gives no event the id of an event that PostgreSQL has lost, since a reader may have received that one. */
export function checkIdsOnce({ events }: Evidence, { lost }: OldPrimary): Verdict {
  const there = idsOf(events)
  return judge('no id of a lost event is given out a second time', lost, ({ id, event_type }) =>
    there.has(id) ? `event ${id} (${event_type}) was lost, and its id was given out again` : undefined,
  )
}

const idsOf = (events: readonly { id: number }[]): Set<number> => new Set(events.map(({ id }) => id))
