import type { Pool } from '../sql.ts'

/** What a server is whose only database is a replica: it answers reads alone, until the replica is promoted. */
export interface Standby {
  isOn: () => boolean
  /**
   * A time before which everything that was committed at the primary is in answers from now on; undefined where the replica has replayed
   * nothing since its start, and the role may not read its last checkpoint.
   */
  asOf: () => Promise<string | undefined>
}

/** @param isOn true while the database is a replica and the server does not work as usual */
export const createStandby = (sql: Pool, isOn: () => boolean): Standby => ({ isOn, asOf: () => readAsOf(sql) })

async function readAsOf(sql: Pool): Promise<string | undefined> {
  const [{ replayed, may_look }] = await sql<[{ replayed: string | null; may_look: boolean }]>`
    select
      pg_last_xact_replay_timestamp() as replayed,
      has_function_privilege('pg_catalog.pg_control_checkpoint()', 'execute') as may_look`
  if (replayed !== null || !may_look) return replayed ?? undefined
  // A replica begins at a checkpoint, whose time was taken before its place in the log.
  const [row] = await sql<{ time: string }[]>`select checkpoint_time as time from pg_control_checkpoint()`
  return row?.time
}

/** True for a database that replays another one. */
export async function isInRecovery(sql: Pool): Promise<boolean> {
  const [{ standby }] = await sql<[{ standby: boolean }]>`select pg_is_in_recovery() as standby`
  return standby
}
