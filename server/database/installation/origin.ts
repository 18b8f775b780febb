import * as z from 'zod'
import type { Sql } from '../sql.ts'
import { readSystemIdentifier } from './system-identifier.ts'

/** What ids of events and snapshots of transactions belong to; a part that this role may not read is null. */
export const Origin = z.object({
  /** The system identifier: another one after a restore into another PostgreSQL cluster. */
  system: z.string().nullable(),
  /** The timeline, in eight hexadecimal digits: another one after a failover or a recovery to a point in time. */
  timeline: z.string().nullable(),
  /** The oid of `job_events`: another one after the table was dropped and loaded from a dump. */
  table: z.string().nullable(),
})
export type Origin = z.output<typeof Origin>

export const originParts = { system: 'system identifier', timeline: 'timeline', table: 'table job_events' } as const

/** Undefined on a standby, which writes nothing. */
export async function readOrigin(sql: Sql): Promise<Origin | undefined> {
  const [row] = await sql<{ standby: boolean }[]>`select pg_is_in_recovery() as standby`
  if (row === undefined || row.standby) return undefined
  const system = await readSystemIdentifier(sql)
  // The name of the WAL file has the present timeline; pg_control_checkpoint() has the old one until the next checkpoint.
  const [origin] = await sql<Origin[]>`
    select
      ${system}::text as system,
      substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline,
      to_regclass('job_events')::oid::text as table`
  return origin
}

/** The parts in which a database is another than before. One that was not known before has not changed. */
export const changedParts = (before: Origin, after: Origin) =>
  (['system', 'timeline', 'table'] as const).filter((part) => before[part] !== null && before[part] !== after[part])
