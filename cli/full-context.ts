import { Failure } from '../shared/errors.ts'
import { domainsInHeader } from '../shared/headers.ts'
import { commandLine } from '../shared/text/shell.ts'
import type { CommandDescription } from './command.ts'
import type { Context } from './context.ts'
import type { Direct } from './direct/open-direct.ts'
import type { Processes } from './direct/start-server.ts'
import type { Client } from './http/client.ts'
import type { AnswerRoom } from './http/read-whole.ts'
import type { ServerClock } from './http/server-clock.ts'
import type { Io } from './io.ts'
import { createPrinter, type Printer } from './output/print.ts'
import { targetWords } from './settings/flags/target-words.ts'
import type { NoServer, ServerAddress } from './settings/server-address.ts'
import { type GlobalFlags, readSettings } from './settings/settings.ts'
import type { Target } from './settings/target.ts'

interface ContextParts {
  io: Io
  flags: GlobalFlags
  /** Every command. */
  commands: readonly CommandDescription[]
  /** Takes what the command prints, in place of the terminal. */
  print?: Printer
  /** Where the process of a server on a database comes from, in place of one of its own. */
  processes?: Processes
  /** The bytes of answers that are read, where several servers are asked. */
  room?: AnswerRoom
}

/** The context of a command, from flags and environment. The HTTP client is imported at its first use. */
export async function fullContext({ io, flags, commands, print, processes, room }: ContextParts): Promise<Context> {
  const settings = readSettings(flags, io)
  let target: Promise<Target> | undefined
  let client: Promise<Client> | undefined
  let direct: Direct | undefined
  let onlyDomain: string | undefined
  let others: string | undefined
  const clock: ServerClock = { matters: false, aheadMs: undefined }
  const noteHeaders = (header: (name: string) => string | undefined) => {
    onlyDomain = header('x-only-domain')
    others ??= header('x-other-domains')
  }
  const open = async (
    { database: address, profile }: NoServer,
    { dashboard = false, engine }: { dashboard?: boolean; engine?: string } = {},
  ): Promise<Direct> => {
    const { openDirect } = await import('./direct/open-direct.ts')
    direct = await openDirect({ io, flags, settings, address, profile, dashboard, engine, processes })
    return direct
  }
  const openTarget = async (address: NoServer) => (await open(address)).target
  const context: Context = {
    io,
    flags,
    commands,
    settings,
    clock,
    print: print ?? (await createPrinter(io, settings, () => onlyDomain !== undefined)),
    target: () => {
      target ??= targetOf(io, flags, settings.timeoutMs, openTarget)
      return target
    },
    openDashboard: async () => {
      const { openDashboard } = await import('./direct/open-dashboard.ts')
      return openDashboard(await addressFor(io, flags), (address) => open(address, { dashboard: true }))
    },
    beforeChange: async () => {
      await context.target()
      if (!direct?.server.reached.lacks) return
      const { agreeOnRecords } = await import('./direct/first-records.ts')
      const engine = await agreeOnRecords(context, direct.server.reached)
      await direct.server.end()
      target = targetOf(io, flags, settings.timeoutMs, async (address) => (await open(address, { engine })).target)
      client = undefined
      await target
    },
    otherDomains: () => domainsInHeader(others),
    close: async () => {
      await direct?.server.end()
    },
    client: () => {
      client ??= context.newClient()
      return client
    },
    newClient: async (signal = io.signal, token) => {
      const { createClient } = await import('./http/client.ts')
      const { redactorFor } = await import('./http/redact.ts')
      const { createTrace } = await import('./http/trace.ts')
      const level = settings.debug ? 'all' : settings.verbose ? 'lines' : 'none'
      const found = await context.target()
      const target = token === undefined ? found : withToken(found, token)
      const ended = direct?.server.ended()
      if (ended !== undefined) throw serverEnded(ended)
      const trace = createTrace({ note: io.note, level, proxy: target.proxy, redact: redactorFor(target) })
      return createClient({ target, settings, trace, signal, room, noteHeaders, clock })
    },
    useReason: (reason) => {
      if (flags.reason === undefined) settings.reason = reason
    },
    retyped: (words) => line(words, [...targetWords(flags), ...changeWords(flags)]),
    another: (words) => line(words, targetWords(flags)),
  }
  return context
}

const withToken = (target: Target, token: string): Target => ({
  ...target,
  credential: { header: 'Authorization', value: `Bearer ${token}` },
})

async function targetOf(
  io: Io,
  flags: GlobalFlags,
  timeoutMs: number,
  open: (address: NoServer) => Promise<Target>,
): Promise<Target> {
  const { readTarget } = await import('./settings/target.ts')
  return readTarget(flags, io, { readConfig: configOf(io), open, timeoutMs })
}

async function addressFor(io: Io, flags: GlobalFlags): Promise<ServerAddress | NoServer> {
  const { addressOf } = await import('./settings/server-address.ts')
  return addressOf(flags, io, configOf(io))
}

const configOf = (io: Io) => async () => {
  const { configPath, readConfig } = await import('./settings/config-file.ts')
  return readConfig(configPath(io))
}

const serverEnded = (how: string): Failure =>
  new Failure('internal', `the server that this command had started is gone: ${how}`, {
    hint: 'the same command with --debug shows its log',
  })

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
