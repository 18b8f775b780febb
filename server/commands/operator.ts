import { hostname, userInfo } from 'node:os'
import type { Actor } from '../bulk/record/act.ts'

/** Who runs this program, as `user@host`, for what is recorded of a command. */
export function operatorName(): string {
  return `${user()}@${hostname()}`
}

function user(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown') // the user of a container may have no name
  }
}

/** Somebody who acts at the shell, beside the database: without an address. */
export const atShell = (by: string, reason?: string): Actor => ({ caller: by, reason, address: undefined })
