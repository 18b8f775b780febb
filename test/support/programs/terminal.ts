import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { until } from '../poll.ts'
import { built } from './built.ts'
import { endWithTests } from './end-with-tests.ts'
import { refuseLostHints } from './hints.ts'
import { environmentOf, type JobsctlOptions } from './jobsctl.ts'

/** How a run at a terminal ended, and its screen. */
export interface TerminalRun {
  code: number | null
  /** The text, without colours and cursor movements. */
  screen: string
  /** The bytes as the program sent them. */
  raw: string
}

/** A program at a terminal of its own, and a person before it. */
export interface Terminal {
  /**
   * Waits until the screen shows it.
   * @throws Error with the screen, when the program ends before
   */
  sees: (text: string) => Promise<void>
  /** Keys, such as `9500\r`. */
  types: (keys: string) => void
  /** The text that the terminal showed so far. */
  screen: () => string
  /** Closes the terminal. */
  close: () => void
  ended: Promise<TerminalRun>
}

export const enter = '\r'
export const ctrlC = '\x03'
export const ctrlD = '\x04'

interface TerminalOptions extends Pick<JobsctlOptions, 'env'> {
  /** The path of a built program; by default that of `jobsctl`. */
  program?: string
  columns?: number
  rows?: number
  /** Ends it with SIGTERM after so many seconds. */
  endsAfter?: number
  /** A file that takes stdout, so that only stdin and stderr are the terminal. */
  out?: string
  /** A file that takes stderr. */
  errors?: string
  /** Runs it as a job of the shell, which continues it at once when it is suspended. */
  jobControl?: boolean
}

/** Starts the built `jobsctl`, or another program, at a real pseudo-terminal. */
export function startAtTerminal(argv: string[], options: TerminalOptions = {}): Promise<Terminal> {
  const { env, columns = 100, rows = 24, endsAfter, out, errors, jobControl = false } = options
  const limit = endsAfter === undefined ? [] : ['timeout', '--foreground', '--preserve-status', String(endsAfter)]
  const words = [...limit, process.execPath, options.program ?? built.jobsctl, ...argv].map(quoted).join(' ')
  const command = jobControl ? `set -m; ${words}; printf continued; fg` : `exec ${words}`
  return startLine(
    `stty cols ${columns} rows ${rows}; ${command}${redirected('>', out)}${redirected('2>', errors)}`,
    env,
  )
}

/** Starts any program at a real pseudo-terminal of 100 columns, in a folder. */
export const startProgramAtTerminal = (
  words: string[],
  { env, folder }: { env: JobsctlOptions['env']; folder: string },
): Promise<Terminal> => startLine(`stty cols 100; cd ${quoted(folder)} && exec ${words.map(quoted).join(' ')}`, env)

async function startLine(line: string, env: JobsctlOptions['env']): Promise<Terminal> {
  const [program, ...args] = pseudoTerminal(line)
  const surroundings = { PATH: process.env.PATH, SHELL: '/bin/sh', TERM: 'xterm' }
  const child = spawn(program, args, { env: await environmentOf({ ...surroundings, ...env }) })
  endWithTests(child)
  let raw = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text
  })
  child.stdin.on('error', () => {})
  const screen = () => stripVTControlCharacters(raw).replaceAll('\r\n', '\n').replaceAll('\r', '')
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, screen: screen(), raw }))
  return {
    async sees(text) {
      await until(`the terminal shows ${text}`, () => screen().includes(text) || child.exitCode !== null)
      if (!screen().includes(text)) throw new Error(`the terminal never showed ${text}, but ${screen()}`)
    },
    types: (keys) => void child.stdin.write(keys),
    screen,
    close: () => void child.kill('SIGKILL'),
    ended,
  }
}

/** Runs it until it ends, without a key being touched. The commands that it prints keep its target and its scope. */
export const atTerminal = async (argv: string[], options?: TerminalOptions): Promise<TerminalRun> => {
  const run = await (await startAtTerminal(argv, options)).ended
  if (options?.program === undefined) refuseLostHints(argv, run.screen)
  return run
}

const redirected = (sign: string, file: string | undefined) => (file === undefined ? '' : ` ${sign}${quoted(file)}`)

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const python = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["/bin/sh", "-c", sys.argv[1]])))'

/**
 * The command that runs a line of shell at a new terminal.
 * @throws Error when this machine has none: what a person sees would go untested
 */
function pseudoTerminal(line: string): [string, ...string[]] {
  if (outputOf('script', '--version').includes('util-linux')) return ['script', '-qefc', line, '/dev/null']
  if (outputOf('python3', '--version').includes('Python 3')) return ['python3', '-c', python, line]
  throw new Error('these tests need a pseudo-terminal: install script of util-linux, or python3')
}

const outputs = new Map<string, string>()

/** What a program prints; it runs once in each test file. */
function outputOf(program: string, ...argv: string[]): string {
  const known = outputs.get(program)
  if (known !== undefined) return known
  const output = spawnSync(program, argv, { encoding: 'utf8', timeout: 60_000 }).stdout ?? ''
  outputs.set(program, output)
  return output
}
