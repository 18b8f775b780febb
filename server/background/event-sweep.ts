import { noteSuccess } from '../database/installation/background-tasks.ts'
import type { Pool } from '../database/sql.ts'
import type { Env } from '../env.ts'
import { deleteExpiredEvents, firstPosition } from '../lifecycle/events/event-retention.ts'
import { type EventKind, type EventTerms, readEventTerms, writeEventTerms } from '../lifecycle/events/event-terms.ts'
import { forgetImpossible } from '../lifecycle/events/expired-events.ts'
import type { Log } from '../log.ts'
import { createSweep, type Sweep } from './sweep.ts'

/** An event whose id is below those that a walk has passed is found by the next walk from the beginning. */
const wholeEveryMs = 24 * 3_600_000
interface Options {
  sql: Pool
  log: Pick<Log, 'info'>
  env: Pick<Env, 'JOBS_EVENTS_DAYS' | 'JOBS_AUDIT_DAYS'>
  stopping: AbortSignal
}

const names: Record<EventKind, string> = { steps: 'steps of jobs', audit: 'actions of operators' }

const dayText = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`

/** Writes the terms of this server to the database, once, and keeps the log of events to its terms. */
export function createEventSweep({ sql, log, env, stopping }: Options): Sweep {
  const from: Record<EventKind, string> = { steps: firstPosition, audit: firstPosition }
  let [wholeAt, deleted, isWritten] = [Number.NEGATIVE_INFINITY, 0, false]
  const writeTerms = async () => {
    const changed = await writeEventTerms(sql, env)
    isWritten = true
    for (const kind of ['steps', 'audit'] as const)
      if (changed[kind]) log.info(`events about ${names[kind]} are kept for ${dayText(changed[kind])} from now on`)
  }
  const startOver = () => {
    if (performance.now() - wholeAt <= wholeEveryMs) return
    from.steps = from.audit = firstPosition
    wholeAt = performance.now()
  }
  /** True when all events whose term is over are gone. */
  const walk = async (terms: EventTerms, isOver: () => boolean) => {
    for (const kind of ['steps', 'audit'] as const) {
      const days = terms[kind]
      if (days === null) continue
      const walked = await deleteExpiredEvents(sql, { kind, days, from: from[kind], isOver })
      from[kind] = walked.from
      deleted += walked.deleted
      if (!walked.isDone && isOver()) return false
    }
    return true
  }
  return createSweep(stopping, async (isOver) => {
    if (!isWritten) await writeTerms()
    startOver()
    if (!(await walk(await readEventTerms(sql), isOver))) return false
    if (deleted > 0) log.info('swept the events', { rows: deleted })
    deleted = 0
    await forgetImpossible(sql)
    await noteSuccess(sql, 'events')
    return true
  })
}
