import postgres from 'postgres'
import { startPostgres, startReplica } from '../../../scripts/launch/postgres.ts'
import { openWorld, type World } from '../world.ts'
import { newFolder } from './database.ts'

/** A PostgreSQL of its own, and a replica that streams from it. */
export interface ReplicatedPostgres {
  url: string
  /** The replica, with one connection. */
  replica: postgres.Sql
  replicaUrl: string
  /** Ends the replica at once, and starts it again. */
  crash: () => Promise<void>
  resume: () => Promise<void>
  stop: () => Promise<void>
}

/** The name of the replica in `pg_stat_replication`. */
export const replicaName = 'the_replica'

/** Starts both. */
export async function startReplicated(): Promise<ReplicatedPostgres> {
  const primary = await startPostgres()
  const standby = await startReplica(primary, replicaName)
  const replica = postgres(standby.url, { max: 1, onnotice: () => {} })
  const stop = async () => {
    await replica.end({ timeout: 1 })
    await standby.stop()
    await primary.stop()
  }
  const { url: replicaUrl, crash, resume } = standby
  return { url: primary.url, replica, replicaUrl, crash, resume, stop }
}

/** The URL of a database at the server of another URL. */
export const on = (url: string, database: string): string =>
  Object.assign(new URL(url), { pathname: `/${database}` }).href

/** A server on a new database of the primary, whose replica it reads; the URLs are those of the ways to them, where these differ. */
export async function openReading(
  pair: Pick<ReplicatedPostgres, 'url' | 'replicaUrl'>,
  name: string,
  more: Record<string, string>,
  { url, replicaUrl }: Pick<ReplicatedPostgres, 'url' | 'replicaUrl'> = pair,
): Promise<World> {
  const admin = postgres(pair.url, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${name}`)
  await admin.end()
  const urls = { JOBS_DB_URL: on(url, name), JOBS_DB_READ_URL: on(replicaUrl, name) }
  const env = { ...urls, JOBS_DATA_DIR: await newFolder('data') }
  return openWorld('postgres', more, Promise.resolve({ env, drop: async () => {} }))
}
