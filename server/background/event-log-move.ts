import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import { isAccessRefused, isConnectionLost, isReadOnly } from '../database/errors/failure.ts'
import { changedParts, Origin, originParts, readOrigin, withKnown } from '../database/installation/origin.ts'
import type { Pool, Sql } from '../database/sql.ts'
import { eventSequence } from '../lifecycle/events/event-ids.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { moveIdsOnConnect, originSetting, skippedIds } from './move-ids-on-connect.ts'

/** Moves the ids of events on where the database is another than before. */
export interface EventLogMove {
  /**
   * Has each new connection look from now on. Then looks itself, and moves where it must. Errors go to the log, each text
   * once: events are written without the move, too.
   */
  check: () => Promise<void>
}

/**
 * After a failover, or a restore of a backup, the database may lack events that readers have seen already, and its sequence
 * would give out their ids again. The first server that sees another system identifier, timeline or table moves the sequence
 * on by 1,000,000 and writes an event `log.moved`.
 */
export function createEventLogMove(
  { sql, findSchema, openWith }: Pick<OpenedDatabase, 'sql' | 'findSchema' | 'openWith'>,
  log: Pick<Log, 'warn' | 'info'>,
): EventLogMove {
  const reported = new Set<string>()
  const warn = (text: string) => {
    if (reported.has(text)) return
    reported.add(text)
    log.warn(text)
  }
  return {
    async check() {
      try {
        openWith?.('event ids', moveIdsOnConnect(await findSchema(sql)))
        const origin = await readOrigin(sql)
        if (origin === undefined) return
        if (origin.system === null) warn(withoutSystem)
        if (origin.timeline === null) warn(withoutTimeline)
        const moved = await moveFrom(sql, origin)
        if (moved) log.warn(`${moved.why}: ids of events go on at ${moved.first_id}, after ${moved.last_id}`)
      } catch (error) {
        if (isConnectionLost(error) || isReadOnly(error)) return
        const why = errorText(error)
        const hint = isAccessRefused(error) ? '; the role of the server needs UPDATE on the sequence of job_events' : ''
        warn(`after a failover or a restore, ids of events may be given out twice: ${why}${hint}`)
      }
    },
  }
}

const withoutSystem =
  'this role may not call pg_control_system(), so a restore into another PostgreSQL cluster is not noticed, and ids of events ' +
  'may be given out twice after it; grant execute on function pg_catalog.pg_control_system() to the role of the server'

const withoutTimeline =
  'this role may not call pg_walfile_name() and pg_current_wal_lsn(), so a failover or a recovery to a point in time is not noticed, and ' +
  'ids of events may be given out twice after it; grant execute on both functions to the role of the server'

interface Moved {
  why: string
  last_id: number
  first_id: number
}

async function moveFrom(sql: Pool, origin: Origin): Promise<Moved | undefined> {
  const text = JSON.stringify(origin)
  const [known] = await sql`select from jobsctl_settings where name = ${originSetting} and value = ${text}`
  if (known) return undefined
  return sql.begin(async (tx) => {
    const [added] = await tx`
      insert into jobsctl_settings (name, value) values (${originSetting}, ${text}) on conflict (name) do nothing returning name`
    if (added) return undefined
    // Another server that has seen the same change waits here, and finds it done.
    const [{ value }] = await tx<[{ value: string }]>`
      select value from jobsctl_settings where name = ${originSetting} for update`
    const before = Origin.parse(JSON.parse(value))
    const after = withKnown(before, origin)
    await tx`update jobsctl_settings set value = ${JSON.stringify(after)} where name = ${originSetting}`
    const changed = changedParts(before, after)
    return changed.length === 0
      ? undefined
      : moveEventIds(tx, `another ${changed.map((part) => originParts[part]).join(' and ')}`)
  })
}

/** Moves the ids of events on by 1,000,000, with an event `log.moved`: readers see that the log is another one from there on. */
export async function moveEventIds(tx: Sql, why: string): Promise<Moved> {
  const [ids] = await tx<[{ last_id: number; first_id: number }]>`
    with kept as materialized (select coalesce(max(id), 0) as last_id from job_events)
    select
      last_id,
      setval(${eventSequence(tx)}, greatest(nextval(${eventSequence(tx)}), last_id + 1) + ${skippedIds}::bigint, false) as first_id
    from kept`
  await tx`
    insert into job_events (event_type, attrs_json)
    values ('log.moved', ${JSON.stringify({ ...ids, why })}::text::jsonb)`
  return { ...ids, why }
}
