import { noteSuccess } from '../database/installation/background-tasks.ts'
import type { Pool } from '../database/sql.ts'
import { servedBy } from '../engines/served.ts'
import type { Env } from '../env/env.ts'
import { deleteExpiredHistory } from '../history/history-retention.ts'
import { deleteExpiredEvents, firstPosition } from '../lifecycle/events/event-retention.ts'
import { type EventKind, type EventTerms, readEventTerms, writeEventTerms } from '../lifecycle/events/event-terms.ts'
import { forgetImpossible } from '../lifecycle/events/expired-events.ts'
import { type ClaimPosition, deleteLeftClaims, firstClaim } from '../lifecycle/insert/claims.ts'
import type { Log } from '../log/log.ts'

const everyMs = 5 * 60_000
/** The most time of one run, since other tasks of the maintenance wait behind it. */
const longestRunMs = 2000

/** Deletes what is over its term. */
export interface Retention {
  /**
   * Deletes every 5 minutes, for 2 s at most: the next run goes on.
   * @throws the error of the database; the next try is 5 minutes later
   */
  run: () => Promise<void>
}

/**
 * The clock of a retention.
 * @param deleteSome deletes until it is done, or until its time is over; returns true when it is done
 */
function createRetention(stopping: AbortSignal, deleteSome: (isOver: () => boolean) => Promise<boolean>): Retention {
  let nextAt = Number.NEGATIVE_INFINITY
  return {
    async run() {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + everyMs
      const isDone = await deleteSome(() => stopping.aborted || performance.now() > now + longestRunMs)
      if (!isDone) nextAt = now
    },
  }
}

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
export function createEventRetention({ sql, log, env, stopping }: Options): Retention {
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
  return createRetention(stopping, async (isOver) => {
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

/** Keeps the history to its terms. */
export function createHistoryRetention({ sql, log, stopping }: Omit<Options, 'env'>): Retention {
  let rows = 0
  return createRetention(stopping, async (isOver) => {
    const { deleted, isDone } = await deleteExpiredHistory(sql, isOver)
    rows += deleted
    if (!isDone) return false
    if (rows > 0) log.info('swept the history', { rows })
    rows = 0
    await noteSuccess(sql, 'history')
    return true
  })
}

/** Deletes claims whose jobs do not exist any more: a key that ends (`unique`) has a row as long as its last job has one. */
export function createClaimRetention({ sql, stopping }: Pick<Options, 'sql' | 'stopping'>): Retention {
  let after: ClaimPosition | undefined = firstClaim
  return createRetention(stopping, async (isOver) => {
    // Jobs of other engines have no claims.
    if (servedBy(sql).mode !== 'own') return true
    do after = (await deleteLeftClaims(sql, after ?? firstClaim)).next
    while (after !== undefined && !isOver())
    return after === undefined
  })
}
