import { isAbsolute } from 'node:path'
import { isOftenUsed } from '../../../cli/command-line/often-used.ts'
import type { CommandSpec } from '../../../cli/context.ts'
import type { Io } from '../../../cli/io.ts'
import { newFolder } from '../database/database.ts'
import type { Child, Ended } from './child.ts'
import { programs } from './dist.ts'

/** Who makes a change, as a command line in the test's own process says. */
export const identity = 'operator@host-of-the-tests'

/** What `jobsctl` is given beside its arguments. */
export interface JobsctlOptions {
  stdin?: string
  /** A variable that is undefined is not set. */
  env?: Record<string, string | undefined>
  /** The commands in place of those of the program. */
  commands?: readonly CommandSpec[]
}

/**
 * Runs the command line off a terminal in the test's own process, with none of this machine's settings. The source is
 * run, not the build. What belongs to a process (signals, pipes, the streams, `--version`) needs `jobsctlProcess`.
 * @throws Error for a command in what it printed that lost the target or the scope of this one, or that cannot be pasted
 */
export async function runJobsctl(
  argv: string[],
  { stdin = '', env = {}, commands: given }: JobsctlOptions = {},
): Promise<Ended> {
  const [{ main }, commands, environment] = await Promise.all([
    import('../../../cli/main.ts'),
    given ?? commandsFor(argv),
    environmentOf(env),
  ])
  const output = { out: '', err: '' }
  const code = await main(commands, argv, ioOf({ output, stdin, env: environment }))
  const { refuseLostHints } = await import('./hints.ts')
  refuseLostHints(argv, `${output.err}\n${output.out}`)
  return { code, ...output }
}

/** The commands of the program that `bin.ts` runs for a command line. */
async function commandsFor([word]: readonly string[]): Promise<readonly CommandSpec[]> {
  const often = isOftenUsed(word) && (await import('../../../cli/commands/often-used.ts'))
  return often ? often.oftenUsedCommands : (await import('../../../cli/commands/all.ts')).commands
}

interface IoOptions {
  /** Gets what the command line writes to stdout and stderr. */
  output: { out: string; err: string }
  stdin: string
  env: Record<string, string>
}

/** The world outside of a command line in a pipe: nobody answers a question, and no signal comes. */
const ioOf = ({ output, stdin, env }: IoOptions): Io => ({
  out: (text) => {
    output.out += text
  },
  note: (text) => {
    output.err += text
  },
  ask: async () => undefined,
  askSecret: async () => undefined,
  edit: () => Promise.reject(new Error('there is no terminal')),
  readStdin: async () => stdin,
  stdinParts: async function* () {
    yield Buffer.from(stdin)
  },
  openUrl: async () => false,
  openScreen: () => Promise.reject(new Error('there is no terminal')),
  outGone: () => false,
  interactive: false,
  inTerminal: false,
  outTerminal: false,
  rows: 24,
  noteTerminal: false,
  columns: 80,
  env,
  identity,
  home: env.HOME && isAbsolute(env.HOME) ? env.HOME : undefined,
  serverProgram: () => programs.server,
  signal: new AbortController().signal,
})

/** Runs the built `jobsctl` as a process off a terminal, with none of this machine's settings. */
export const jobsctlProcess = async (argv: string[], options?: JobsctlOptions): Promise<Ended> =>
  (await startJobsctl(argv, options)).ended

/** Starts the built `jobsctl` as a process, and does not wait for its end. */
export async function startJobsctl(argv: string[], { stdin = '', env = {} }: JobsctlOptions = {}): Promise<Child> {
  const [{ built }, { startChild }, environment] = await Promise.all([
    import('./built.ts'),
    import('./child.ts'),
    environmentOf(env),
  ])
  return startChild([built.jobsctl, ...argv], { stdin, env: environment })
}

/** The whole environment of a program: an empty home, and what a test sets. */
export async function environmentOf(env: JobsctlOptions['env'] = {}): Promise<Record<string, string>> {
  const home = await newFolder('home')
  const given = Object.entries({ HOME: home, XDG_CONFIG_HOME: home, ...env })
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}
