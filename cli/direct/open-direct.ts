import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { Io } from '../io.ts'
import type { DatabaseAddress } from '../settings/database-address.ts'
import type { NamedProfile } from '../settings/server-address.ts'
import type { GlobalFlags, Settings } from '../settings/settings.ts'
import type { Target } from '../settings/target.ts'
import { type OwnServer, type Processes, startServer } from './start-server.ts'

interface Opening {
  io: Io
  flags: GlobalFlags
  settings: Settings
  address: DatabaseAddress
  profile: NamedProfile | undefined
  /** True for a dashboard on a port, false for calls. */
  dashboard: boolean
  /** The engine beside whose jobs the tables of records are made first; undefined to make nothing. */
  engine: string | undefined
  /** Where the process of the server comes from; undefined for one of its own. */
  processes: Processes | undefined
}

/** A database that a command works on without a server between. */
export interface Direct {
  target: Target
  server: OwnServer
}

/**
 * Starts a server of this command alone on a database, and says at a terminal what it has reached, and as whom.
 * @throws Failure `usage` for an address or a flag that is not taken; why the database is not reached
 */
export async function openDirect({
  io,
  flags,
  settings,
  address,
  profile,
  dashboard,
  engine,
  processes,
}: Opening): Promise<Direct> {
  const { from } = address.source
  if (flags.detach)
    throw new Failure('usage', `--detach: no server is between (${from}) that could go on; nothing was changed`, {
      hint: 'leave --detach out, and let the command run to its end',
    })
  const { conninfoOf } = await import('../settings/database-address.ts')
  const database = await conninfoOf(address, io, settings.timeoutMs)
  const { JOBSCTL_DB_URL: _ours, ...env } = io.env
  const order = {
    database,
    from,
    dashboard,
    profile: profile?.name ?? null,
    makes_records: engine ?? null,
    databases_like: null,
  }
  const program = { program: io.serverProgram(), env, log: settings.debug }
  const server = await startServer({ ...program, order, signal: io.signal, timeoutMs: settings.timeoutMs }, processes)
  const { at, role, url, socket } = server.reached
  if (io.noteTerminal && !settings.quiet && engine === undefined)
    io.note(`directly on ${escaped(at)} as role ${escaped(role)} (no server between)\n`)
  return {
    server,
    target: {
      url: new URL('http://localhost'),
      name: url,
      from,
      socketPath: socket ?? undefined,
      credential: { header: 'X-API-KEY', value: server.key },
      credentialFrom: 'made for this command',
      profile,
    },
  }
}
