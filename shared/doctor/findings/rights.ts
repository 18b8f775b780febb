import type { z } from 'zod'
import { escaped } from '../../text/escape.ts'
import { commandLine } from '../../text/shell.ts'
import type { storage } from '../storage.ts'
import { type Finding, notReported } from './finding.ts'
import { quotedName } from './sql.ts'

/** Whether the role of the server may do with the tables all that its calls need. */
export function findingOfRights({ rights }: Pick<z.output<typeof storage.output>, 'rights'>): Finding {
  if (!rights) return notReported
  const { row_security, closed, is_admin, lacks, denied } = rights
  const role = escaped(rights.role)
  if (denied.length > 0)
    return {
      detail: `the role ${role} lacks the rights ${listOf(denied)}: calls that need them are refused`,
      hint: `the owner of the tables gives them: ${commandLine(['jobs-server', 'grants', '--role', rights.role])} | psql`,
    }
  const applying = `row level security of ${listOf(row_security)} applies to the role ${role}`
  if (closed.length > 0)
    return {
      detail: `${applying}, and no policy of ${listOf(closed)} lets a session with app.is_admin insert rows: an undo may be refused`,
      hint: `before a prune, give the tables such a policy, or run: alter role ${quotedName(rights.role)} bypassrls`,
    }
  if (row_security.length > 0 && !is_admin)
    return {
      detail: `${applying}, and the sessions behind the pooler lack app.is_admin: calls may be refused`,
      hint: `a superuser runs: alter role ${quotedName(rights.role)} set app.is_admin = 'true'`,
    }
  if (lacks.length > 0)
    return {
      detail: `the database lacks: ${listOf(lacks)}`,
      hint: `where no index is being built, or left to you (see missing), the role ${role} may not make them: start the server once as a member of the role that owns the tables`,
    }
  const detail = row_security.length > 0 ? `${applying}, and lets it work` : `the role ${role} may do what calls need`
  return { detail, hint: undefined }
}

/** True where the role of the server may not read one of the tables, or a column of it. */
export const mayNotRead = (
  { rights }: Pick<z.output<typeof storage.output>, 'rights'>,
  tables: readonly string[],
): boolean =>
  tables.some((table) => rights?.denied.some((right) => right.startsWith('select ') && right.endsWith(` on ${table}`)))

const listOf = (names: readonly string[]): string => names.map(escaped).join(', ')
