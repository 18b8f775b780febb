import * as z from 'zod'

/** A command of `jobs-server` about the database, as a process sends it to the server that has an embedded database open. */
export const Command = z.discriminatedUnion('command', [
  z.object({ command: z.literal('create'), name: z.string(), days: z.number().int().optional() }),
  z.object({ command: z.literal('list') }),
  z.object({ command: z.literal('revoke'), id: z.string() }),
  z.object({ command: z.literal('freeze'), by: z.string(), reason: z.string() }),
  z.object({ command: z.literal('thaw'), by: z.string() }),
])
export type Command = z.output<typeof Command>

/** The output of a command: lines for standard output, tab-separated for a list, and warnings for standard error. */
export const CommandOutput = z.object({ lines: z.array(z.string()), warnings: z.array(z.string()).default([]) })
export type CommandOutput = z.output<typeof CommandOutput>
