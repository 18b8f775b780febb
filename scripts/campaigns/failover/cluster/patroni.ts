import { Agent, request } from 'undici'
import * as z from 'zod'
import type { Place } from './network.ts'

export type Mode = 'sync' | 'async'

interface Config {
  /** Name of the node. */
  name: string
  place: Place
  /** Folder of the node; its data lie in `data`. */
  folder: string
  binaries: string
  /** `address:port` of etcd. */
  etcd: string
  mode: Mode
}

/** Seconds until a primary that does not renew its lock has lost it: the least that Patroni takes. */
export const ttlSeconds = 20

/** The configuration of one node: YAML, of which JSON is a part. */
export function patroniConfig({ name, place, folder, binaries, etcd, mode }: Config): string {
  const { address, postgresPort, restPort } = place
  const sql = `${address}:${postgresPort}`
  const rest = `${address}:${restPort}`
  return JSON.stringify({
    scope: 'jobs',
    name,
    restapi: { listen: rest, connect_address: rest },
    etcd3: { hosts: [etcd] },
    bootstrap: {
      dcs: shared(mode),
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'no-sync'],
    },
    postgresql: {
      ...{
        listen: sql,
        connect_address: sql,
        data_dir: `${folder}/data`,
        bin_dir: binaries,
        pgpass: `${folder}/pgpass`,
      },
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'postgres' } },
      pg_hba: ['local all all trust', 'host all all all trust', 'host replication all all trust'],
      // A copy does not wait for the next checkpoint, which may be minutes away.
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      parameters: { unix_socket_directories: folder, log_timezone: 'UTC', timezone: 'UTC' },
    },
  })
}

/**
 * What both nodes go by. A primary whose PostgreSQL died hands over at once instead of starting it again. Asynchronous
 * nodes keep the data of a primary that lost its place as they are, so that what was lost can be looked at.
 */
const shared = (mode: Mode) => ({
  ...{ ttl: ttlSeconds, loop_wait: 1, retry_timeout: 3, primary_start_timeout: 0, maximum_lag_on_failover: 2 ** 30 },
  synchronous_mode: mode === 'sync',
  postgresql: {
    use_pg_rewind: mode === 'sync',
    remove_data_directory_on_rewind_failure: mode === 'sync',
    parameters: {
      ...{ wal_log_hints: 'on', shared_buffers: '64MB', max_connections: 100 },
      // pg_rewind copies the log that is kept, and replays it from the last checkpoint; without it, the log is looked at.
      ...(mode === 'sync' ? { wal_keep_size: '256MB', max_wal_size: '256MB' } : { wal_keep_size: '2GB' }),
      // Processes are killed here, and the power stays on.
      fsync: 'off',
    },
  },
})

const Members = z.object({
  members: z.array(z.object({ name: z.string(), role: z.string(), state: z.string() })),
})
export type Member = z.output<typeof Members>['members'][number]

const dispatcher = new Agent({ headersTimeout: 2000, bodyTimeout: 2000, connect: { timeout: 1000 } })

/** The nodes as Patroni of one node sees them; nothing when it does not answer. */
export async function membersOf({ address, restPort }: Place): Promise<Member[]> {
  try {
    const { body } = await request(`http://${address}:${restPort}/cluster`, { dispatcher })
    return Members.parse(await body.json()).members
  } catch {
    return []
  }
}
