import type { Evidence } from './evidence.ts'
import { judge, type Verdict } from './verdict.ts'

/** Each reader was told every event, once, in order. */
export const checkReaders = ({ readers, events }: Evidence): Verdict[] =>
  readers.map(({ name, ids }) => {
    const told = new Set(ids)
    const verdict = judge(`${name} told every event once, in order`, events, ({ id, event_type, job_id }) =>
      told.has(id) ? undefined : `event ${id} (${event_type} of job ${job_id}) was not told`,
    )
    const there = new Set(events.map(({ id }) => id))
    for (const [at, id] of ids.entries()) {
      const before = ids[at - 1] ?? 0
      if (id <= before) verdict.wrong.push(`event ${id} was told after ${before}`)
      if (!there.has(id)) verdict.wrong.push(`event ${id} was told, and is not there`)
    }
    return verdict
  })
