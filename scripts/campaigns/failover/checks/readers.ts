import type { Evidence } from '../../stress/checks/evidence.ts'
import { checkReaders } from '../../stress/checks/readers.ts'
import type { Verdict } from '../../stress/checks/verdict.ts'

/** The event that marks a gap in the ids: they go on far above those that a lost primary may have given out. */
const moved = 'log.moved'

/**
 * Each reader was told every event that the database has, once, in order. After an asynchronous failover a reader may have
 * heard of events that are lost; their ids lie in the gap before `log.moved`. Without that event their ids are given out a
 * second time and no reader can be right, so nothing is checked.
 */
export function checkReadersAcrossLoss(evidence: Evidence): Verdict[] {
  const { events, readers } = evidence
  const gaps = events.flatMap(({ id, event_type }, at) =>
    event_type === moved ? [{ after: events[at - 1]?.id ?? 0, before: id }] : [],
  )
  if (gaps.length === 0) {
    return readers.map(({ name }) => ({
      ...{ claim: `${name} told every event once: not checked, there is no event ${moved}`, looked: 0, wrong: [] },
    }))
  }
  const there = new Set(events.map(({ id }) => id))
  const isLost = (id: number) => !there.has(id) && gaps.some(({ after, before }) => id > after && id < before)
  return checkReaders({
    ...evidence,
    readers: readers.map((reader) => ({ ...reader, ids: reader.ids.filter((id) => !isLost(id)) })),
  })
}
