import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { deadlineAfter } from '../../sdk/call/deadline.ts'
import { Failure } from '../../shared/errors.ts'
import { OnceAnswer, type OnceOrder } from '../../shared/once.ts'
import { interrupted } from '../io.ts'

/** How a process of a server is started. */
export interface Program {
  /** The path of `jobs-server`. */
  program: string
  env: NodeJS.ProcessEnv
  /** True for a log on stderr. */
  log: boolean
}

/** What a process answered to an order, and the key of the server that it then has. */
export interface Ordered {
  answer: Exclude<OnceAnswer, { failed: unknown }>
  key: string
}

/** A process of `jobs-server --once`. It serves one order at a time: the next one ends what it served. */
export interface Process {
  /**
   * Orders a server, or a look at databases, with a key that only both processes know.
   * @throws Failure that the server answered, `internal` where it ended without an answer, `timed_out` or `interrupted`
   */
  order: (order: Omit<OnceOrder, 'key' | 'log'>, signal: AbortSignal, timeoutMs: number) => Promise<Ordered>
  /** True while it runs and has answered all of its orders. */
  isIdle: () => boolean
  /** Undefined while it runs. */
  ended: () => string | undefined
  /** Lets it end: running calls stop after their batch. Waits for a moment, and it ends without us, too. */
  end: () => Promise<void>
}

/** How long at least the program may take to begin with an order, and how long its end is waited for, in milliseconds. */
const [startMs, patienceMs] = [10_000, 10_000]

/** Its errors are not read where they go to the terminal. */
type ServerChild = ChildProcess & { stdin: Writable; stdout: Readable }

/**
 * Starts `jobs-server --once`. Its orders, with the key of the run and the password of the database, go through a pipe, which no other user
 * can read. The pipe is also what ends the server, however this process ends.
 */
export function startProcess({ program, env, log }: Program): Process {
  const child = log
    ? spawn(process.execPath, [program, '--once'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    : spawn(process.execPath, [program, '--once'], { env, stdio: 'pipe' })
  // Where the system starts no process, Node has no pipes.
  if (!child.stdin || !child.stdout) throw notReady('the system starts no more processes')
  const exited = new Promise<Error | undefined>((resolve) => {
    child.once('close', () => resolve(undefined)).once('error', resolve)
  })
  child.stdin.on('error', () => {}) // a server that ended says why
  const nextLine = linesOf(child, exited)
  let isAnswered = true
  return {
    order: async (order, signal, timeoutMs) => {
      const key = randomBytes(32).toString('base64url')
      isAnswered = false
      hold(child)
      child.stdin.write(`${JSON.stringify({ ...order, log, key } satisfies OnceOrder)}\n`)
      try {
        // An empty line says that it begins. Until then it loads, or closes another database, which is no time of this one.
        await nextLine(signal, Math.max(timeoutMs, startMs))
        const answer = answerIn(await nextLine(signal, timeoutMs))
        isAnswered = true
        if ('failed' in answer)
          throw new Failure(answer.failed.code, answer.failed.message, { hint: answer.failed.hint })
        return { answer, key }
      } catch (error) {
        // It has done nothing but look. While it waits for a database it would not notice that stdin has ended.
        if (!isAnswered && order.makes_records === null) child.kill()
        if (signal.aborted) throw interrupted(signal)
        if (error instanceof Failure) throw error
        throw new Failure(
          'timed_out',
          `the database did not answer within ${timeoutMs / 1000} s; nothing was changed`,
          {
            cause: error,
          },
        )
      } finally {
        // Ends with this process, which waits for the server only where it says so.
        release(child)
      }
    },
    isIdle: () => isAnswered && endOf(child) === undefined,
    ended: () => endOf(child),
    end: async () => {
      child.stdin.destroy()
      const late = new AbortController()
      const patience = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patienceMs)
        late.signal.addEventListener('abort', () => clearTimeout(timer))
      })
      await Promise.race([exited, patience])
      late.abort()
    },
  }
}

const mostOfErrors = 4000

/**
 * Reads the lines of the server.
 * @returns a function that waits for the next line, for a time in milliseconds. It throws Failure `internal` where the server ends without
 * one, and an Error where the time is over or the signal is aborted
 */
function linesOf(
  child: ServerChild,
  exited: Promise<Error | undefined>,
): (signal: AbortSignal, ms: number) => Promise<string> {
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    errors = `${errors}${part}`.slice(-mostOfErrors)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (signal, ms) => {
    const deadline = deadlineAfter(ms, { caller: signal })
    const over = new Promise<never>((_, reject) => {
      const end = () => reject(new Error('there was no line in time'))
      deadline.signal.addEventListener('abort', end, { once: true })
      if (deadline.signal.aborted) end()
    })
    try {
      const line = await Promise.race([lines.next(), over])
      if (!line.done) return line.value
    } finally {
      deadline.end()
    }
    const error = await exited
    throw notReady(error?.message ?? lastLine(errors) ?? endOf(child) ?? 'without a word')
  }
}

function answerIn(line: string): OnceAnswer {
  const read = OnceAnswer.safeParse(jsonOf(line))
  if (read.success) return read.data
  throw unknownAnswer()
}

const notReady = (why: string): Failure =>
  new Failure('internal', `jobs-server --once ended before it was ready: ${why}`, {
    hint: 'the same command with --debug shows its log',
  })

/** A server of another version. */
export const unknownAnswer = (): Failure => notReady('this jobsctl does not know its answer')

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const lastLine = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '')

const endOf = ({ exitCode, signalCode }: ChildProcess): string | undefined =>
  exitCode === null && signalCode === null ? undefined : `it ended with ${signalCode ?? `exit code ${exitCode}`}`

/** Lets this process end while the server runs. */
const release = (child: ChildProcess): void => {
  for (const part of [child, child.stdin, child.stdout, child.stderr])
    if (part && 'unref' in part && typeof part.unref === 'function') part.unref()
}

/** Lets this process wait for the server. */
const hold = (child: ChildProcess): void => {
  for (const part of [child, child.stdin, child.stdout, child.stderr])
    if (part && 'ref' in part && typeof part.ref === 'function') part.ref()
}
