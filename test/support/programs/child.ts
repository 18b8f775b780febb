import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { endWithTests } from './end-with-tests.ts'

/** How a program ended, and its output. */
export interface Ended {
  code: number | null
  out: string
  err: string
}

/** A program that runs. */
export interface Child {
  process: ChildProcess
  /** Its output so far. */
  output: { out: string; err: string }
  ended: Promise<Ended>
}

interface ChildOptions {
  /** The whole environment, beside PATH: nothing of this machine's gets in. */
  env?: Record<string, string>
  stdin?: string
  /** Leaves stdin open, for a test that writes to it. */
  open?: boolean
}

/** Starts a built program with a clean environment. */
export function startChild(argv: string[], { env, stdin, open = false }: ChildOptions = {}): Child {
  const child = spawn(process.execPath, argv, { env: { PATH: process.env.PATH, ...env } })
  endWithTests(child)
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text
  })
  child.stdin.on('error', () => {})
  if (!open) child.stdin.end(stdin)
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...output }))
  return { process: child, output, ended }
}
