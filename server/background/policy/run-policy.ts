import { setTimeout as wait } from 'node:timers/promises'
import type { ServerContext } from '../../call.ts'
import { createErrorLog } from '../../database/errors/error-log.ts'
import { noteSuccess } from '../../database/installation/background-tasks.ts'
import type { IsPaused } from '../background-pause.ts'
import { closeEnded, correctTimes, isWell, takeRun } from './due-rules.ts'
import { runRule } from './run-rule.ts'

/** The time between two looks for rules whose time has come, in milliseconds. */
const pauseMs = 2000
const noteEveryMs = 30_000

/**
 * Runs the rules of the policy at their times, until this server stops; none while it stands still. The times stand in the database, and
 * each run is that of one server.
 */
export async function runPolicy(
  serving: ServerContext,
  { isReady, isPaused }: { isReady: () => boolean; isPaused: IsPaused },
): Promise<void> {
  const { operatorSql: sql, log, stopping } = serving
  const errors = createErrorLog(log, 'the policy')
  const passedOver = new Set<string>()
  let notedAt = Number.NEGATIVE_INFINITY
  while (!stopping.aborted) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      if (await isPaused()) continue
      await closeEnded(sql)
      for (let run = await takeRun(sql, passedOver, log); run; run = await takeRun(sql, passedOver, log)) {
        if (run === 'passed over') continue
        await runRule(serving, run)
        if (stopping.aborted || (await isPaused())) break
      }
      if (performance.now() - notedAt >= noteEveryMs) {
        await correctTimes(sql)
        if (await isWell(sql)) await noteSuccess(sql, 'policy')
        notedAt = performance.now()
      }
      errors.clear()
    } catch (error) {
      errors.warn(error)
    }
  }
}
