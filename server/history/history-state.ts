import { areBeingBuilt, type IdleTrigger } from '../../shared/doctor/idle-trigger.ts'
import { findIdleTriggers, sentenceOf } from '../counts/idle-triggers.ts'
import type { Sql } from '../database/sql.ts'
import { historyTriggers } from './appending.ts'

export interface HistoryState {
  /** Null where history is kept now, and else why it is not. */
  why: string | null
  /** The triggers that do not fire, while history is on. */
  triggers: IdleTrigger[]
  /** When history was on for the first time (ISO 8601). */
  since: string | null
}

/** Whether every writer of jobs leaves transitions now. */
export async function readHistoryState(sql: Sql): Promise<HistoryState> {
  const names = Object.keys(historyTriggers.triggers)
  const [state] = await sql<{ on: boolean; runs: boolean; fires: boolean; tables: number[]; since: string | null }[]>`
    select
      exists (select from jobsctl_settings where name = 'history' and value = 'on') as on,
      until > now() as runs,
      (
        select count(*) = ${names.length}::int * cardinality(tables)
        from pg_trigger
        where tgrelid = any(tables) and tgname = any(${names}::text[]) and tgenabled in ('O', 'A')
      ) and to_regclass('jobs')::oid = any(tables) as fires,
      (tables || array_remove(array[to_regclass('jobs')::oid], null))::bigint[] as tables,
      since
    from jobsctl_history`
  const idle = state?.on && !state.fires ? await findIdleTriggers(sql, { names, tables: state.tables }) : []
  // Where no server keeps the history, nobody makes its triggers, except the one that waits for an index.
  const triggers = state?.runs || areBeingBuilt(idle) ? idle : []
  const why = !state?.on
    ? 'history is off: JOBS_HISTORY=on at a server turns it on'
    : !state.runs && triggers.length === 0
      ? 'no server has kept the history within the last hour, or its role may not make triggers on jobs'
      : state.runs && state.fires
        ? null
        : sentenceOf(triggers)
  return { why, triggers, since: state?.since ?? null }
}
