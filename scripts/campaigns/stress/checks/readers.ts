import { judge, type Verdict } from '../../verdict.ts'
import type { Evidence } from './evidence.ts'

/** Checks that each reader received every event once, in order of the ids. */
export const checkReaders = ({ readers, events }: Evidence): Verdict[] =>
  readers.map(({ name, ids }) => {
    const received = new Set(ids)
    const verdict = judge(`${name} delivered every event once, in order`, events, ({ id, event_type, job_id }) =>
      received.has(id) ? undefined : `event ${id} (${event_type} of job ${job_id}) was not delivered`,
    )
    const existing = new Set(events.map(({ id }) => id))
    for (const [at, id] of ids.entries()) {
      const before = ids[at - 1] ?? 0
      if (id <= before) verdict.wrong.push(`event ${id} was delivered after ${before}`)
      if (!existing.has(id)) verdict.wrong.push(`event ${id} was delivered but does not exist`)
    }
    return verdict
  })
