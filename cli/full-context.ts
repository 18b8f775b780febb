import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Io } from './io.ts'
import { createPrinter } from './output/print.ts'
import { type GlobalFlags, readSettings } from './settings/settings.ts'
import type { Target } from './settings/target.ts'
import { commandLine } from './shell.ts'

/** What a command gets, of flags and environment; the network is loaded when it is used. */
export async function fullContext(io: Io, flags: GlobalFlags): Promise<Context> {
  const settings = readSettings(flags, io)
  let target: Promise<Target> | undefined
  let client: Promise<Client> | undefined
  const readTarget = async () => {
    const { readTarget } = await import('./settings/target.ts')
    const fromFile = async () => {
      const { configPath, readConfig } = await import('./settings/config.ts')
      return readConfig(configPath(io))
    }
    return readTarget(flags, io, { readConfig: fromFile, timeoutMs: settings.timeoutMs })
  }
  const context: Context = {
    io,
    flags,
    settings,
    print: await createPrinter(io, settings),
    target: () => {
      target ??= readTarget()
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
      const trace = createTrace({ note: io.note, level, masked: redactorFor(target) })
      return createClient({ target, settings, trace, signal })
    },
    retyped: (words) => line(words, [...targetWords(flags), ...changeWords(flags)]),
    another: (words) => line(words, targetWords(flags)),
  }
  return context
}

/** A command line to paste; what follows `--` is no flag any more. */
function line(words: readonly string[], flags: readonly string[]): string {
  const end = words.includes('--') ? words.indexOf('--') : words.length
  return commandLine(['jobsctl', ...words.slice(0, end), ...flags, ...words.slice(end)])
}

/** The flags that named the target: a hint must not lose them. */
const targetWords = (flags: GlobalFlags): string[] => [
  ...(flags.profile === undefined ? [] : ['--profile', flags.profile]),
  ...(flags.url === undefined ? [] : ['--url', flags.url]),
  ...(flags.apiKeyFile === undefined ? [] : ['--api-key-file', flags.apiKeyFile]),
  ...(flags.tokenFile === undefined ? [] : ['--token-file', flags.tokenFile]),
  ...(flags.allowHttp ? ['--allow-http'] : []),
]

/** Those that bound and explain the change. */
const changeWords = (flags: GlobalFlags): string[] => [
  ...(flags.max === undefined ? [] : ['--max', flags.max]),
  ...(flags.reason === undefined ? [] : ['--reason', flags.reason]),
]
