import type { Client } from './http/client.ts'
import type { Io } from './io.ts'
import type { Printer } from './output/print.ts'
import type { GlobalFlags, Settings } from './settings/settings.ts'
import type { Target } from './settings/target.ts'

/** What a command gets; it touches neither the process, nor a stream, nor the network. */
export interface Context {
  io: Io
  flags: GlobalFlags
  settings: Settings
  print: Printer
  /** @throws Failure when no target can be made of flags, environment and config */
  target: () => Promise<Target>
  /** The one client of a command, with its one deadline. */
  client: () => Promise<Client>
  /** A client with a deadline of its own, for what goes on for long; another signal than Ctrl-C may end its calls. */
  newClient: (signal?: AbortSignal) => Promise<Client>
  /** The words of this command for a hint, with the flags that named its target, bounded and explained it. */
  retyped: (words: readonly string[]) => string
  /** The words of another command at the same target. */
  another: (words: readonly string[]) => string
}
