import { realpathSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { isatty } from 'node:tty'
import { exits } from '../shared/exits.ts'
import type { CommandSpec } from './context.ts'
import type { EditorEnd } from './io.ts'
import { main } from './main.ts'
import { watchReader } from './terminal/pipe-reader.ts'

const interruption = new AbortController()

/** A terminal that is closed (SIGHUP) stops a command as SIGTERM does, since stderr may be a file that somebody reads. */
const interrupt = (signal: NodeJS.Signals) => {
  isHungUp ||= signal === 'SIGHUP'
  interruption.abort(signal === 'SIGHUP' ? 'SIGTERM' : signal)
}

let isHungUp = false
const terminals = [0, 1, 2].filter((fd) => isatty(fd))

/** Ends the process by SIGHUP where its terminal is gone: Node sets the mode of the terminal at an exit, and crashes there. */
function endHungUp(): void {
  if (!isHungUp && terminals.every((fd) => isatty(fd))) return
  process.off('SIGHUP', interrupt)
  process.kill(process.pid, 'SIGHUP')
}

/** The function that runs the command line of this process by one of `commands`, and leaves its exit code. */
export const runnerOf = (commands: readonly CommandSpec[]) => (argv: readonly string[], outGone: () => boolean) =>
  run(commands, argv, outGone)

async function run(commands: readonly CommandSpec[], argv: readonly string[], outGone: () => boolean): Promise<void> {
  process.stderr.on('error', () => {})
  const isReaderGone = watchReader(1)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupt)
  process.on('SIGHUP', interrupt) // comes twice: of the shell for its jobs, and of the system for those in the foreground
  process.once('exit', endHungUp)
  // `exitCode`, since `exit()` at once would cut off output still on its way to a pipe.
  process.exitCode = exits.failed.code // the code if main never ends
  process.exitCode = await main(commands, argv, {
    out: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    ask,
    askSecret,
    edit,
    readStdin,
    stdinParts,
    openScreen: async (events) =>
      (await import('./terminal/screen.ts')).openScreen(events, () => interruption.abort('SIGINT')),
    openUrl,
    outGone: () => outGone() || isReaderGone(),
    interactive: isatty(0) && isatty(2), // reading `process.stdin` would open it
    inTerminal: isatty(0),
    outTerminal: Boolean(process.stdout.isTTY),
    noteTerminal: Boolean(process.stderr.isTTY),
    // The size may change while a command watches.
    get columns() {
      return process.stdout.columns || 80
    },
    get rows() {
      return process.stdout.rows || 24
    },
    env: process.env,
    identity: `${user()}@${hostname()}`,
    home: home(),
    // A link such as node_modules/.bin/jobsctl leads to the program, and the other one stands beside that.
    serverProgram: () => join(dirname(realpathSync(process.argv[1] ?? '')), '../server/main.js'),
    signal: interruption.signal,
  })
  setImmediate(endIfWritten) // the streams report an error of their last write before that
}

/**
 * Ends the process where all of its output is written. Node would end by itself as well, but closes what is open and gives memory back piece
 * by piece before, which the system does at once.
 */
function endIfWritten(): void {
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit()
}

/** The program that opens a URL, and its words before it. */
const opener = (): readonly [string, ...string[]] => {
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return [process.platform === 'darwin' ? 'open' : 'xdg-open']
}

async function openUrl(url: string): Promise<boolean> {
  const { spawn } = await import('node:child_process')
  const [program, ...words] = opener()
  const child = spawn(program, [...words, url], { detached: true, stdio: 'ignore' })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}

async function ask(question: string): Promise<string | undefined> {
  await discardTyped()
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // At a prompt readline gets Ctrl-C instead of the process.
  terminal.on('SIGINT', () => interruption.abort('SIGINT'))
  // After Ctrl-Z and fg, readline has paused its input, and Node would end with the question unanswered.
  terminal.on('SIGCONT', () => terminal.resume())
  try {
    const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)))
    const answer = terminal.question(question, { signal: interruption.signal }).catch(() => undefined)
    const line = await Promise.race([answer, closed])
    if (line === undefined) process.stderr.write('\n') // Ctrl-D leaves the cursor behind the question
    return line
  } finally {
    terminal.close()
  }
}

/** Ctrl-C belongs to the editor while it has the terminal. A terminal that is closed ends both, and the file goes with them. */
async function edit(program: string, text: string): Promise<EditorEnd> {
  const { runEditor } = await import('./terminal/editor.ts')
  const ignore = () => {}
  process.off('SIGINT', interrupt)
  process.on('SIGINT', ignore)
  try {
    return await runEditor(program, text, { env: process.env, signal: interruption.signal })
  } finally {
    process.off('SIGINT', ignore)
    process.once('SIGINT', interrupt)
  }
}

async function askSecret(question: string): Promise<string | undefined> {
  const { promptSecret } = await import('./terminal/secret-prompt.ts')
  const note = (text: string) => void process.stderr.write(text)
  const interrupt = () => interruption.abort('SIGINT')
  return promptSecret(question, { input: process.stdin, note, interrupt, signal: interruption.signal })
}

/** Discards the keys that were typed before the question appeared: they are no answer to it. */
async function discardTyped(): Promise<void> {
  const { stdin } = process
  stdin.setRawMode?.(true) // otherwise a line without its newline would stay in the buffer of the terminal
  stdin.resume()
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  stdin.pause()
  stdin.setRawMode?.(false)
}

let stdinText: Promise<string> | undefined

/** All of stdin, also for a command that begins again. @throws Failure `usage` where it is not UTF-8 */
function readStdin(): Promise<string> {
  stdinText ??= wholeStdin()
  return stdinText
}

/** A signal ends the wait. */
async function wholeStdin(): Promise<string> {
  interruption.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  const { buffer } = await import('node:stream/consumers')
  const { utf8Of } = await import('./settings/utf8.ts')
  return utf8Of(await buffer(process.stdin).catch(() => Buffer.alloc(0)), 'stdin')
}

/** Stdin piece by piece; a signal ends it. */
async function* stdinParts(): AsyncGenerator<Uint8Array> {
  interruption.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  for await (const part of process.stdin) yield Buffer.from(part)
}

/** The home folder by the environment, else by the system; undefined for a user without one, or for a relative path. */
function home(): string | undefined {
  for (const read of [homedir, () => userInfo().homedir]) {
    try {
      const path = read()
      if (isAbsolute(path)) return path
    } catch {}
  }
  return undefined
}

function user(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown') // the user of a container may have no name
  }
}
