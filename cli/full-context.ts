import { commandLine } from '../shared/shell.ts'
import type { CommandDescription } from './command.ts'
import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Io } from './io.ts'
import { createPrinter } from './output/print.ts'
import { targetWords } from './settings/flags/target-words.ts'
import { type GlobalFlags, readSettings } from './settings/settings.ts'
import type { Target } from './settings/target.ts'

interface ContextParts {
  io: Io
  flags: GlobalFlags
  /** Every command. */
  commands: readonly CommandDescription[]
}

/** The context of a command, from flags and environment. The HTTP client is imported at its first use. */
export async function fullContext({ io, flags, commands }: ContextParts): Promise<Context> {
  const settings = readSettings(flags, io)
  let target: Promise<Target> | undefined
  let client: Promise<Client> | undefined
  const context: Context = {
    io,
    flags,
    commands,
    settings,
    print: await createPrinter(io, settings),
    target: () => {
      target ??= targetOf(io, flags, settings.timeoutMs)
      return target
    },
    client: () => {
      client ??= context.newClient()
      return client
    },
    newClient: async (signal = io.signal) => {
      const { createClient } = await import('./http/client.ts')
      const { redactorFor } = await import('./http/redact.ts')
      const { createTrace } = await import('./http/trace.ts')
      const level = settings.debug ? 'all' : settings.verbose ? 'lines' : 'none'
      const target = await context.target()
      const trace = createTrace({ note: io.note, level, proxy: target.proxy, redact: redactorFor(target) })
      return createClient({ target, settings, trace, signal })
    },
    useReason: (reason) => {
      if (flags.reason === undefined) settings.reason = reason
    },
    retyped: (words) => line(words, [...targetWords(flags), ...changeWords(flags)]),
    another: (words) => line(words, targetWords(flags)),
  }
  return context
}

async function targetOf(io: Io, flags: GlobalFlags, timeoutMs: number): Promise<Target> {
  const { readTarget } = await import('./settings/target.ts')
  const fromFile = async () => {
    const { configPath, readConfig } = await import('./settings/config-file.ts')
    return readConfig(configPath(io))
  }
  return readTarget(flags, io, { readConfig: fromFile, timeoutMs })
}

/** A command line to paste; flags stand before `--`. */
function line(words: readonly string[], flags: readonly string[]): string {
  const end = words.includes('--') ? words.indexOf('--') : words.length
  return commandLine(['jobsctl', ...words.slice(0, end), ...flags, ...words.slice(end)])
}

/** The flags that limit and explain a change. */
const changeWords = (flags: GlobalFlags): string[] => [
  ...(flags.max === undefined ? [] : ['--max', flags.max]),
  ...(flags.reason === undefined ? [] : ['--reason', flags.reason]),
  ...(flags.detach ? ['--detach'] : []),
  ...(flags.rate === undefined ? [] : ['--rate', flags.rate]),
  ...(flags.until === undefined ? [] : ['--until', flags.until]),
]
