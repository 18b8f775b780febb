import { type Sql, tableParts } from '../../database/sql.ts'

/** A replica, and by how many seconds it replays later than its primary. */
export interface Replica {
  name: string
  seconds: number
  /** The role of the server may not read the lag. */
  hidden: boolean
}

/** By each pool of connections: whether its database is Amazon Aurora. It is asked once, since that does not change while a server runs. */
const knownAurora = new WeakMap<Sql, boolean>()

/** The replicas, the one that lags most first, with the readers of Amazon Aurora, which are no streaming replicas. */
export async function readReplicas(sql: Sql): Promise<Replica[]> {
  const [streaming, aurora] = await Promise.all([readStreaming(sql), isAurora(sql)])
  if (!aurora) return streaming
  return [...streaming, ...(await readAuroraReaders(sql))].sort((one, other) => other.seconds - one.seconds)
}

async function isAurora(sql: Sql): Promise<boolean> {
  const known = knownAurora.get(sql)
  if (known !== undefined) return known
  const [{ aurora }] = await sql<[{ aurora: boolean }]>`
    select to_regprocedure('pg_catalog.aurora_replica_status()') is not null as aurora`
  knownAurora.set(sql, aurora)
  return aurora
}

/** The writer is in the list, too, and has no lag. */
const readAuroraReaders = (sql: Sql) => sql<Replica[]>`
  select coalesce(server_id, '') as name, coalesce(replica_lag_in_msec, 0)::float8 / 1000 as seconds, false as hidden
  from pg_catalog.aurora_replica_status()
  where session_id <> 'MASTER_SESSION_ID'
  limit 100`

/** Receivers of the log that replay nothing (`pg_receivewal`) are none, and neither are readers of a logical slot. */
const readStreaming = (sql: Sql) => sql<Replica[]>`
  select coalesce(application_name, '') as name, coalesce(extract(epoch from replay_lag), 0)::float8 as seconds, state is null as hidden
  from pg_stat_replication
  left join pg_replication_slots on active_pid = pid
  where slot_type is distinct from 'logical' and (state is null or replay_lsn is not null)
  order by seconds desc
  limit 100`

/** A replication slot, and how many bytes of the log it keeps. */
interface Slot {
  name: string
  bytes: number
}

/** The slot that keeps most of the log; none where no slot keeps any. Every role may read it. */
export const readSlots = (sql: Sql) => sql<Slot[]>`
  select slot_name as name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as bytes
  from pg_replication_slots
  where restart_lsn is not null
  order by restart_lsn
  limit 1`

/** The size of the archive on the disk, with partitions and indexes and with the room that deleted rows have left. */
export async function readArchiveBytes(sql: Sql): Promise<number> {
  const [row] = await sql<[{ bytes: number | null }]>`
    select sum(pg_total_relation_size(part))::bigint as bytes
    from ${tableParts(sql, sql`to_regclass('jobs_archive')`)} as parts`
  return row.bytes ?? 0
}
