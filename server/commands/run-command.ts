import { freeze, freezeClause, thaw } from '../database/installation/freeze.ts'
import type { Place } from '../database/installation/installation.ts'
import type { Pool } from '../database/sql.ts'
import { adopt } from './adopt.ts'
import type { Command, CommandOutput } from './command.ts'
import { runTokenCommand } from './token-actions.ts'

/** What a command works on. */
export interface CommandContext {
  sql: Pool
  place: Place
}

/**
 * Runs a command on a database that has its tables.
 * @throws Failure `not_found` for the id of no token; what `freeze` and `adopt` throw
 */
export async function runCommand({ sql, place }: CommandContext, command: Command): Promise<CommandOutput> {
  switch (command.command) {
    case 'freeze':
      await freeze(sql, command)
      return told('frozen: changes are refused on all servers, and workers go on; to end it: jobs-server thaw')
    case 'thaw':
      return told(await thawed(sql, command.by))
    case 'adopt':
      return told(...(await adopt(sql, place, command)))
    default:
      return runTokenCommand(sql, command)
  }
}

const told = (...lines: string[]): CommandOutput => ({ lines, warnings: [] })

async function thawed(sql: Pool, by: string): Promise<string> {
  const ended = await thaw(sql, by)
  return ended ? `thawed: ${freezeClause(ended)}; changes go on` : 'the database was not frozen'
}
