import { Failure } from '../../shared/errors.ts'
import type { Dashboard } from '../context.ts'
import type { NoServer, ServerAddress } from '../settings/server-address.ts'
import type { Direct } from './open-direct.ts'

/** @throws Failure `usage` for a server, which has its dashboard already; why the database is not reached */
export async function openDashboard(
  address: ServerAddress | NoServer,
  open: (address: NoServer) => Promise<Direct>,
): Promise<Dashboard> {
  if (!address.database) throw isThere(address)
  const { server } = await open(address)
  const { login } = server.reached
  if (login === null) throw new Failure('internal', 'the server has opened no dashboard')
  return { login, ended: server.ended }
}

const isThere = ({ url, from }: ServerAddress): Failure =>
  new Failure('usage', `ui opens the dashboard of a database, and the target is a server (${from})`, {
    hint: `its dashboard is at ${url.replace(/\/+$/, '')}/ui/; for a database, name it with --db in place of the server`,
  })
