import type { Actor } from '../bulk/record/act.ts'

/** Somebody who acts at the shell, beside the database: without an address. */
export const atShell = (by: string, reason?: string): Actor => ({ caller: by, reason, address: undefined })
