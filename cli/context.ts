import type { CommandDescription } from './command.ts'
import type { Client } from './http/client.ts'
import type { ServerClock } from './http/server-clock.ts'
import type { Io } from './io.ts'
import type { Ending, Printer } from './output/print.ts'
import type { GlobalFlags, Settings } from './settings/settings.ts'
import type { Target } from './settings/target.ts'

/** A dashboard that this command has opened. */
export interface Dashboard {
  /** The URL that logs a browser in, once. */
  login: string
  /** Why it has ended; undefined while it runs. */
  ended: () => string | undefined
}

/** Everything that a command may use; a command itself touches neither the process, nor a stream, nor the network. */
export interface Context {
  io: Io
  flags: GlobalFlags
  /** Every command, for what is made from their descriptions. */
  commands: readonly CommandDescription[]
  settings: Settings
  print: Printer
  clock: ServerClock
  /** Set for reads that a replica may answer. */
  staleOk?: true
  /** @throws Failure when flags, environment and config name no usable target */
  target: () => Promise<Target>
  /** The client of the command: one deadline covers all its calls. */
  client: () => Promise<Client>
  /**
   * A new client with its own deadline, for commands that poll. `signal` ends its calls; without it, Ctrl-C does. It sends `token` in place of
   * the credential of the command line.
   */
  newClient: (signal?: AbortSignal, token?: string) => Promise<Client>
  /** Opens the dashboard of a database without a server between. @throws Failure `usage` where a server is the target */
  openDashboard: () => Promise<Dashboard>
  /**
   * To be called before a change is previewed or sent, and before its client is taken. Where no server is between, it makes the tables of
   * records that the first change of the jobs of another engine needs. Asks a person before.
   * @throws Failure `records_missing` where nobody can be asked, `confirmation_required` where the answer is no
   */
  beforeChange: () => Promise<void>
  /** Domains of other engines that an answer has left out, since its call named no domain. */
  otherDomains: () => readonly string[]
  /** Ends what the command has started. */
  close: () => Promise<void>
  /** Sets the reason of the changes that follow, unless `--reason` gives one. */
  useReason: (reason: string) => void
  /** A command line for a hint: `words` with this command's flags for the target, the limit and the reason. */
  retyped: (words: readonly string[]) => string
  /** A command line for a hint: `words` with this command's flags for the target only. */
  another: (words: readonly string[]) => string
}

/** One command: its help, its flags, and the function that runs it. */
export interface CommandSpec<Flags extends object = object> extends CommandDescription {
  /** Runs the command. It imports contracts and output itself, so that `--help` does not load them. */
  run(context: Context, flags: Flags, operands: string[]): Promise<Ending>
}
