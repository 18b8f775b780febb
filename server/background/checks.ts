import { setTimeout as wait } from 'node:timers/promises'
import type { ServerContext } from '../call.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { noteSuccess, takeTask } from '../database/installation/background-tasks.ts'
import type { Pool } from '../database/sql.ts'
import { countViolations } from '../endpoints/changes/integrity.ts'
import { verifyOperations } from '../endpoints/records/records.ts'
import type { IsPaused } from './background-pause.ts'

const pauseMs = 5000

/** A look at the whole database that a scrape of metrics is too frequent for. */
interface Check {
  task: string
  everySeconds: number
  run: (sql: Pool) => Promise<Record<string, number>>
}

const checks: readonly Check[] = [
  { task: 'integrity', everySeconds: 300, run: countViolations },
  {
    task: 'records',
    everySeconds: 3600,
    run: async (sql) => ({ intact: Number((await verifyOperations({ sql }, {})).ok) }),
  },
]

/**
 * Checks the leases of jobs and the chain of the records now and then, for metrics, until the server stops. Each check is done by one
 * of all servers, and by none while the server stands still.
 */
export async function runChecks(
  { operatorSql: sql, log, stopping }: Pick<ServerContext, 'operatorSql' | 'log' | 'stopping'>,
  { isReady, isPaused }: { isReady: () => boolean; isPaused: IsPaused },
): Promise<void> {
  const errors = createErrorLog(log, 'the checks for metrics')
  for (; !stopping.aborted; await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})) {
    try {
      if (!isReady() || (await isPaused())) continue
      for (const { task, everySeconds, run } of checks) {
        if (stopping.aborted || !(await takeTask(sql, task, everySeconds))) continue
        await noteSuccess(sql, task, await run(sql))
      }
      errors.clear()
    } catch (error) {
      if (!stopping.aborted) errors.warn(error)
    }
  }
}
