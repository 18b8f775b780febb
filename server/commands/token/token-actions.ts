import { limitsText } from '../../../shared/access/limits.ts'
import { isRole, type Right, rights, rightsOf } from '../../../shared/access/rights.ts'
import { limitText } from '../../../shared/access/token-scope.ts'
import type { Token } from '../../../shared/access/tokens.ts'
import { sharedNames, sharedNameWarning } from '../../auth/token-warnings.ts'
import { findToken, listTokens, type NewToken, withoutRole } from '../../auth/tokens.ts'
import type { Pool } from '../../database/sql.ts'
import {
  makeOnRecord,
  revokeOnRecord,
  rotateOnRecord,
  setLimitsOnRecord,
  setRoleOnRecord,
  setScopeOnRecord,
  suspendOnRecord,
} from '../../endpoints/access/token-acts.ts'
import type { Command, CommandOutput } from '../command.ts'
import { atShell } from '../operator.ts'

/** A command of `jobs-server token`. */
type TokenCommand = Exclude<
  Command,
  {
    command:
      | 'freeze'
      | 'thaw'
      | 'direct'
      | 'agents'
      | 'demo'
      | 'adopt'
      | 'callers'
      | 'block-caller'
      | 'rotate-preview-key'
  }
>

/**
 * Runs a token command.
 * @throws Failure `not_found` for the id of no token
 */
export async function runTokenCommand(sql: Pool, command: TokenCommand): Promise<CommandOutput> {
  const lines = (...all: string[]): CommandOutput => ({ lines: all, warnings: [] })
  switch (command.command) {
    case 'create':
      return create(sql, command.by, command)
    case 'create-with-role':
      return create(sql, command.by, { ...command, grant: { ...command, madeBy: 'jobs-server' } })
    case 'list':
      return lines(...(await listTokens(sql)).map(listLine))
    case 'show':
      return lines(...shownLines(await findToken(sql, command.id)))
    case 'set-role':
      await setRoleOnRecord(sql, atShell(command.by), command.id, command)
      return lines(`${command.id} is ${command.role}${addedText(command)}`)
    case 'set-scope':
      await setScopeOnRecord(sql, atShell(command.by), command.id, command.scope)
      return lines(
        command.scope ? `${command.id} is limited to ${limitText(command.scope)}` : `${command.id} is not limited`,
      )
    case 'set-limits':
      await setLimitsOnRecord(sql, atShell(command.by), command.id, command)
      return lines(
        `${command.id} changes ${limitsText(await findToken(sql, command.id)) || 'as many jobs as it asks for'}`,
      )
    case 'suspend':
      await suspendOnRecord(sql, atShell(command.by), command.id, { suspended: true })
      return lines(`suspended ${command.id}`)
    case 'resume':
      await suspendOnRecord(sql, atShell(command.by), command.id, { suspended: false })
      return lines(`resumed ${command.id}`)
    case 'revoke':
      await revokeOnRecord(sql, atShell(command.by), { id: command.id, tree: false })
      return lines(`revoked ${command.id}`)
    case 'revoke-tree': {
      const revoked = await revokeOnRecord(sql, atShell(command.by), { id: command.id, tree: true })
      return lines(...revoked.map((id) => `revoked ${id}`))
    }
    case 'rotate':
      return lines(await rotateOnRecord(sql, atShell(command.by), command.id, command.overlap_seconds))
  }
}

async function create(
  sql: Pool,
  by: string,
  { name, days, grant }: Pick<NewToken, 'name' | 'grant'> & { days?: number | undefined },
): Promise<CommandOutput> {
  const { id, token } = await makeOnRecord(sql, atShell(by), { name, days, grant })
  const shared = (await sharedNames(sql)).filter((shared) => shared.name === name)
  return {
    lines: [token],
    warnings: [
      ...shared.map(sharedNameWarning),
      ...(grant
        ? []
        : [`${name} may do everything (${withoutRole}); jobs-server token set-role ${id} <role> gives it a role`]),
    ],
  }
}

/** The columns of `token list`, in their order; columns may be appended. */
const listLine = (row: Token): string =>
  [
    ...[row.id, row.name, row.created_at, row.last_used_at, row.expires_at, row.revoked_at],
    ...[row.role, row.principal, row.made_by, row.suspended_at, row.scope && limitText(row.scope)],
    ...[row.max_per_change, row.max_per_day, row.approver, row.may_break_glass, row.may_edit, row.of],
  ].join('\t')

function shownLines(row: Token): string[] {
  const may = [...rightsOf(row)]
  return [
    ...[`id\t${row.id}`, `name\t${row.name}`, `role\t${row.role}`, `principal\t${row.principal}`],
    ...(row.of ? [`agent of\t${row.of}`] : []),
    ...(row.scope ? [`limited to\t${limitText(row.scope)}`] : []),
    ...(limitsText(row) ? [`changes\t${limitsText(row)}`] : []),
    `made by\t${row.made_by ?? 'not known'}, ${row.created_at}`,
    ...(row.secrets_by.length > 0 ? [`secret by\t${row.secrets_by.join(', ')}`] : []),
    `last used\t${row.last_used_at === null ? 'never' : row.last_used_at}${row.last_used_from ? ` from ${row.last_used_from}` : ''}`,
    `expires\t${row.expires_at ?? 'never'}`,
    ...(row.previous_until ? [`old secret\tuntil ${row.previous_until}`] : []),
    ...(row.suspended_at ? [`suspended\t${row.suspended_at}`] : []),
    ...(row.revoked_at ? [`revoked\t${row.revoked_at}`] : []),
    ...(isRole(row.role)
      ? may.map(mayLine)
      : ['may\tnothing on this version of the server, which does not know the role']),
  ]
}

/** `, and may enqueue`, `, and may approve plans` */
const addedText = ({
  may_enqueue,
  approver,
  may_break_glass,
  may_edit,
}: Pick<Token, 'may_enqueue' | 'approver' | 'may_break_glass' | 'may_edit'>) =>
  [
    may_enqueue ? ', and may enqueue' : '',
    approver ? ', and may approve plans' : '',
    may_break_glass ? ', and may go past an approval' : '',
    may_edit ? ', and may edit payloads' : '',
  ].join('')

const mayLine = (right: Right): string => `may\t${rights[right]}`
