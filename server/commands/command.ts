import * as z from 'zod'
import { tokenLimits } from '../../shared/access/limits.ts'
import { givenRoles } from '../../shared/access/rights.ts'
import { TokenScope } from '../../shared/access/token-scope.ts'
import { longestOverlap } from '../../shared/access/tokens.ts'
import { cell } from '../../shared/text/escape.ts'

const role = z.enum(givenRoles)

/** What a grant adds to a role; absent from a command of an earlier version. */
const added = {
  approver: z.boolean().default(false),
  may_break_glass: z.boolean().default(false),
  may_edit: z.boolean().default(false),
}

/** Who runs the command, as `user@host`; absent from a command of an earlier version. */
const by = z.string().default('jobs-server')

/** A command of `jobs-server` about the database, as a process sends it to the server that has an embedded database open. */
export const Command = z.discriminatedUnion('command', [
  z.object({ command: z.literal('create'), by, name: z.string(), days: z.number().int().optional() }),
  // A command of its own: a server of version 0.1.0 would take `create` without the role, and make a token that may do everything.
  z.object({
    command: z.literal('create-with-role'),
    by,
    name: z.string(),
    days: z.number().int().optional(),
    role,
    principal: z.string(),
    of: z.string().optional(),
    may_enqueue: z.boolean(),
    ...added,
    scope: TokenScope.optional(),
    ...tokenLimits,
  }),
  z.object({ command: z.literal('list') }),
  z.object({ command: z.literal('show'), id: z.string() }),
  z.object({ command: z.literal('set-role'), by, id: z.string(), role, may_enqueue: z.boolean(), ...added }),
  z.object({ command: z.literal('set-scope'), by, id: z.string(), scope: TokenScope.nullable() }),
  z.object({ command: z.literal('set-limits'), by, id: z.string(), ...tokenLimits }),
  z.object({ command: z.literal('suspend'), by, id: z.string() }),
  z.object({ command: z.literal('resume'), by, id: z.string() }),
  z.object({ command: z.literal('revoke'), by, id: z.string() }),
  z.object({ command: z.literal('revoke-tree'), by, id: z.string() }),
  z.object({
    command: z.literal('rotate'),
    by,
    id: z.string(),
    overlap_seconds: z.number().int().min(0).max(longestOverlap),
  }),
  z.object({ command: z.literal('callers') }),
  z.object({ command: z.literal('block-caller'), by, id: z.string(), blocked: z.boolean() }),
  z.object({ command: z.literal('rotate-preview-key'), by, at_once: z.boolean() }),
  z.object({ command: z.literal('freeze'), by: z.string(), reason: z.string() }),
  z.object({ command: z.literal('thaw'), by: z.string() }),
  z.object({ command: z.literal('direct'), by: z.string(), on: z.boolean() }),
  z.object({ command: z.literal('agents'), by: z.string(), on: z.boolean().optional() }),
  z.object({ command: z.literal('demo') }),
  z.object({ command: z.literal('adopt'), by: z.string(), as: z.enum(['same', 'clone']) }),
])
export type Command = z.output<typeof Command>

/** The output of a command: lines for standard output, tab-separated for a list, and warnings for standard error. */
export const CommandOutput = z.object({ lines: z.array(z.string()), warnings: z.array(z.string()).default([]) })
export type CommandOutput = z.output<typeof CommandOutput>

/** Prints the lines of a command to standard output, and its warnings to standard error, with what others wrote in them escaped. */
export function printOutput({ lines, warnings }: CommandOutput): void {
  process.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''))
  process.stderr.write(warnings.map((line) => `warning: ${printable(line)}\n`).join(''))
}

const printable = (line: string): string => line.split('\t').map(cell).join('\t')
