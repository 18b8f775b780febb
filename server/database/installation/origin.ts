import * as z from 'zod'
import type { Fragment, Sql } from '../sql.ts'

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

type Part = keyof Origin

export const originParts = { system: 'system identifier', timeline: 'timeline', table: 'table job_events' } as const

/** Undefined on a standby, which writes nothing. */
export async function readOrigin(sql: Sql): Promise<Origin | undefined> {
  const [row] = await sql<{ standby: boolean; sees_timeline: boolean }[]>`
    select pg_is_in_recovery() as standby, ${maySeeTimeline(sql)} as sees_timeline`
  if (row === undefined || row.standby) return undefined
  const system = await readSystemIdentifier(sql)
  // The name of the WAL file has the present timeline; pg_control_checkpoint() has the old one until the next checkpoint.
  const timeline = row.sees_timeline ? sql`substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)` : sql`null::text`
  const [origin] = await sql<Origin[]>`
    select
      ${system}::text as system,
      ${timeline} as timeline,
      to_regclass('job_events')::oid::text as table`
  return origin
}

const maySeeTimeline = (sql: Sql): Fragment => sql`
  (
    has_function_privilege('pg_catalog.pg_walfile_name(pg_lsn)', 'execute')
    and has_function_privilege('pg_catalog.pg_current_wal_lsn()', 'execute')
  )`

/** The parts in which a database is another than before. One that is not known, then or now, has not changed. */
export const changedParts = (before: Origin, after: Origin): Part[] =>
  (['system', 'timeline', 'table'] as const).filter(
    (part) => before[part] !== null && after[part] !== null && before[part] !== after[part],
  )

/** What is known of a database now, and for what this role may not read, what was known before. */
export const withKnown = (before: Origin, { system, timeline, table }: Origin): Origin => ({
  system: system ?? before.system,
  timeline: timeline ?? before.timeline,
  table,
})

/** True where a restore or a failover since then may not show in the parts. */
export const isPartlyKnown = (origin: Origin | undefined): boolean =>
  origin === undefined || origin.system === null || origin.timeline === null

/**
 * An SQL condition: true where a server has noticed since `time` that the database is another than before, by its event `log.moved`. A part
 * that one role may not read another role may have read.
 */
export const hasMovedSince = (sql: Sql, time: Fragment): Fragment => sql`
  exists (
    select from job_events
    where job_id is null and event_type = 'log.moved' and created_at > ${time}
  )`

/** The system identifier of the PostgreSQL cluster; null where the role of the server may not read it. */
export async function readSystemIdentifier(sql: Sql): Promise<string | null> {
  const [rights] = await sql<{ allowed: boolean }[]>`
    select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as allowed`
  if (!rights?.allowed) return null
  const [row] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_control_system()`
  return row?.system ?? null
}
