import { listKnownCallers } from '../auth/oidc/known-callers.ts'
import type { Pool } from '../database/sql.ts'
import { blockOnRecord } from '../endpoints/access/callers.ts'
import type { Command, CommandOutput } from './command.ts'
import { atShell } from './operator.ts'

const mostShown = 10_000

/** Runs a command of `jobs-server callers`. */
export async function runCallerCommand(
  sql: Pool,
  command: Extract<Command, { command: 'callers' | 'block-caller' }>,
): Promise<CommandOutput> {
  if (command.command === 'callers') {
    const callers = await listKnownCallers(sql, mostShown)
    return told(...callers.map(({ id, name, seen_at, blocked_at }) => [id, name, seen_at, blocked_at].join('\t')))
  }
  const { id, blocked } = command
  const changed = await blockOnRecord(sql, atShell(command.by), { caller: id, blocked })
  const state = blocked ? 'blocked' : 'not blocked'
  return told(changed ? `${id} is ${state}` : `${id} was ${state} already; nothing was changed`)
}

const told = (...lines: string[]): CommandOutput => ({ lines, warnings: [] })
