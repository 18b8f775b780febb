import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from '../database/sql.ts'

const lookEveryMs = 60_000

/** Waits for an index that the operator builds. Resolves at once where it is there, and when the server stops. */
export async function waitForIndex(sql: Sql, name: string, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const [there] = await sql`select from pg_index where indexrelid = to_regclass(${name}) and indisvalid`
    if (there) return
    await wait(lookEveryMs, undefined, { signal: stopping, ref: false }).catch(() => {})
  }
}
