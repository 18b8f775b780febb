#!/usr/bin/env node
import { homedir, hostname, userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { main } from './main.ts'

// A reader that closes early, such as `head`, is not a failure, and stops nothing that is under way.
let outGone = false
process.stderr.on('error', () => {})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outGone = true
  if (error.code === 'EPIPE') return
  process.stderr.write(`error: cannot write to stdout: ${error.code}; what the command did stands\n`)
  process.once('exit', (code) => {
    if (code === 0) process.exitCode = 1
  })
})

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort(signal))
}

// `exitCode`, not `exit()`: exit() can cut off output still on its way to a pipe.
process.exitCode = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  ask,
  readStdin,
  outGone: () => outGone,
  interactive: Boolean(process.stdin.isTTY && process.stderr.isTTY),
  outTerminal: Boolean(process.stdout.isTTY),
  noteTerminal: Boolean(process.stderr.isTTY),
  columns: process.stdout.columns || 80,
  env: process.env,
  identity: `${user()}@${hostname()}`,
  home: homedir(),
  signal: interruption.signal,
})

async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // At a prompt the terminal hands Ctrl-C to readline instead of the process.
  terminal.on('SIGINT', () => interruption.abort('SIGINT'))
  try {
    const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)))
    const answer = terminal.question(question, { signal: interruption.signal }).catch(() => undefined)
    return await Promise.race([answer, closed])
  } finally {
    terminal.close()
  }
}

/** A signal ends the wait for a secret, too. */
async function readStdin(): Promise<string> {
  interruption.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  return text(process.stdin).catch(() => '')
}

function user(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown') // a container's user may have no name
  }
}
