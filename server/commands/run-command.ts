import { createToken, listTokens, revokeToken, sharedNames, sharedNameWarning } from '../auth/tokens.ts'
import { freeze, freezeClause, thaw } from '../database/installation/freeze.ts'
import type { Pool, Sql } from '../database/sql.ts'
import type { Command, CommandOutput } from './command.ts'

/**
 * Runs a command on a database that has its tables.
 * @throws Failure `not_found` for the id of no token; what `freeze` throws
 */
export async function runCommand(sql: Pool, command: Command): Promise<CommandOutput> {
  switch (command.command) {
    case 'create':
      return makeToken(sql, command)
    case 'list':
      return told(...(await tokenLines(sql)))
    case 'revoke':
      await revokeToken(sql, command.id)
      return told(`revoked ${command.id}`)
    case 'freeze':
      await freeze(sql, command)
      return told('frozen: changes are refused on all servers, and workers go on; to end it: jobs-server thaw')
    case 'thaw':
      return told(await thawed(sql, command.by))
  }
}

const told = (...lines: string[]): CommandOutput => ({ lines, warnings: [] })

async function makeToken(
  sql: Sql,
  { name, days }: { name: string; days?: number | undefined },
): Promise<CommandOutput> {
  const token = await createToken(sql, name, days)
  const shared = (await sharedNames(sql)).filter((one) => one.name === name)
  return { lines: [token], warnings: shared.map(sharedNameWarning) }
}

const tokenLines = async (sql: Sql): Promise<string[]> =>
  (await listTokens(sql)).map((row) =>
    [row.id, row.name, row.created_at, row.last_used_at, row.expires_at, row.revoked_at].join('\t'),
  )

async function thawed(sql: Pool, by: string): Promise<string> {
  const ended = await thaw(sql, by)
  return ended ? `thawed: ${freezeClause(ended)}; changes go on` : 'the database was not frozen'
}
