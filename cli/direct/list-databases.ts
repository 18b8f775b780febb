import { Failure } from '../../shared/errors.ts'
import type { FoundDatabase } from '../../shared/once.ts'
import type { Context } from '../context.ts'
import { configPath, readConfig } from '../settings/config-file.ts'
import { conninfoOf } from '../settings/database-address.ts'
import { hasPassword } from '../settings/has-password.ts'
import { addressOf } from '../settings/server-address.ts'
import { lookAtDatabases } from './start-server.ts'

/** The databases of a cluster, and the connection string that reached it. */
export interface Databases {
  /** Without a password. */
  conninfo: string
  found: FoundDatabase[]
}

/**
 * Looks which databases of the cluster of the target have a queue; nothing is made in them.
 * @param like a pattern of LIKE for the names
 * @throws Failure `usage` where a server is the target, and for a connection string with a password, which a config file would show; why the
 * cluster cannot be asked
 */
export async function listDatabases(
  { io, flags, settings }: Pick<Context, 'io' | 'flags' | 'settings'>,
  like: string,
): Promise<Databases> {
  const address = await addressOf(flags, io, () => readConfig(configPath(io)))
  if (!address.database)
    throw new Failure(
      'usage',
      `add-databases looks at a PostgreSQL cluster, and the target is a server (${address.from})`,
      {
        hint: 'name one database of the cluster: --db service=eu',
      },
    )
  const conninfo = await conninfoOf(address.database, io, settings.timeoutMs)
  const { from } = address.database.source
  if (hasPassword(conninfo))
    throw new Failure('usage', `${from}: has a password, which the config file would show; nothing was connected`, {
      hint: 'leave it out: it comes from PGPASSWORD or ~/.pgpass, now and whenever a profile is used',
    })
  const { JOBSCTL_DB_URL: _ours, ...env } = io.env
  const found = await lookAtDatabases({
    program: io.serverProgram(),
    env,
    log: settings.debug,
    order: {
      database: conninfo,
      from,
      dashboard: false,
      profile: null,
      makes_records: null,
      databases_like: like,
    },
    signal: io.signal,
    timeoutMs: settings.timeoutMs,
  })
  return { conninfo, found }
}
