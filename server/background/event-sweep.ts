import type { Pool } from '../database/sql.ts'
import type { Env } from '../env.ts'
import { deleteExpiredEvents, firstPosition } from '../lifecycle/events/event-retention.ts'
import { type EventKind, type EventTerms, readEventTerms, writeEventTerms } from '../lifecycle/events/event-terms.ts'
import { forgetImpossible } from '../lifecycle/events/expired-events.ts'
import type { Log } from '../log.ts'

const sweepEveryMs = 5 * 60_000
/** An event whose id is below those that a walk has passed is found by the next walk from the beginning. */
const wholeEveryMs = 24 * 3_600_000
/** The most time of one run, since other tasks of the maintenance wait behind it. */
const longestRunMs = 2000

interface Options {
  sql: Pool
  log: Pick<Log, 'info'>
  env: Pick<Env, 'JOBS_EVENTS_DAYS' | 'JOBS_AUDIT_DAYS'>
  stopping: AbortSignal
}

/** Keeps the log of events to its terms. */
export interface EventSweep {
  /**
   * Writes the terms of this server to the database, once. Then deletes events whose term is over, every 5 minutes, for 2 s at
   * most: the next run goes on.
   * @throws the error of the database; the next try is 5 minutes later
   */
  run: () => Promise<void>
}

const names: Record<EventKind, string> = { steps: 'steps of jobs', audit: 'actions of operators' }

export function createEventSweep({ sql, log, env, stopping }: Options): EventSweep {
  const from: Record<EventKind, string> = { steps: firstPosition, audit: firstPosition }
  let [nextAt, wholeAt, deleted, isWritten] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, false]
  const writeTerms = async () => {
    const changed = await writeEventTerms(sql, env)
    isWritten = true
    for (const kind of ['steps', 'audit'] as const)
      if (changed[kind]) log.info(`events about ${names[kind]} are kept for ${changed[kind]} days from now on`)
  }
  /** True when all events whose term is over are gone. */
  const sweep = async (terms: EventTerms) => {
    const end = performance.now() + longestRunMs
    const isOver = () => stopping.aborted || performance.now() > end
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
  return {
    async run() {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + sweepEveryMs
      if (!isWritten) await writeTerms()
      if (now - wholeAt > wholeEveryMs) {
        from.steps = from.audit = firstPosition
        wholeAt = now
      }
      if (!(await sweep(await readEventTerms(sql)))) {
        nextAt = now
        return
      }
      if (deleted > 0) log.info('swept the events', { rows: deleted })
      deleted = 0
      await forgetImpossible(sql)
    },
  }
}
