import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Failure } from '../../shared/errors.ts'
import { type FoundDatabase, OnceAnswer, type OnceOrder, type OnceReached } from '../../shared/once.ts'
import { interrupted } from '../io.ts'

interface Starting {
  /** The path of `jobs-server`. */
  program: string
  env: NodeJS.ProcessEnv
  order: Omit<OnceOrder, 'key'>
  signal: AbortSignal
  timeoutMs: number
}

/** A server that this process has started for itself. */
export interface OwnServer {
  reached: OnceReached
  key: string
  /** Undefined while it runs. */
  ended: () => string | undefined
  /** Lets it end: running calls stop after their batch. Waits for a moment, and it ends without us, too. */
  end: () => Promise<void>
}

/** How long the end of the server is waited for, in milliseconds. */
const patienceMs = 10_000

/**
 * Starts a server for calls or for a dashboard.
 * @throws Failure as `send` does
 */
export async function startServer(starting: Starting): Promise<OwnServer> {
  const { answer, ...server } = await send(starting)
  if ('reached' in answer) return { reached: answer.reached, ...server }
  await server.end()
  throw unknownAnswer()
}

/**
 * Has `jobs-server --once` look at the databases of a cluster that the order asks for, and end.
 * @throws Failure as `send` does
 */
export async function lookAtDatabases(starting: Starting): Promise<FoundDatabase[]> {
  const { answer, end } = await send(starting)
  await end()
  if ('databases' in answer) return answer.databases
  throw unknownAnswer()
}

interface Ordered extends Omit<OwnServer, 'reached'> {
  answer: Exclude<OnceAnswer, { failed: unknown }>
}

/**
 * Starts `jobs-server --once`. Its order, with the key of the run and the password of the database, goes through a pipe, which no other user
 * can read. The pipe is also what ends the server, however this process ends.
 * @throws Failure that the server answered, `internal` where it ended without an answer, `timed_out` or `interrupted`
 */
async function send({ program, env, order, signal, timeoutMs }: Starting): Promise<Ordered> {
  const key = randomBytes(32).toString('base64url')
  const child = spawn(process.execPath, [program, '--once'], {
    env,
    stdio: ['pipe', 'pipe', order.log ? 'inherit' : 'pipe'],
  })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()))
  const end = async () => {
    child.stdin?.destroy()
    const late = new AbortController()
    const patience = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      late.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    await Promise.race([exited, patience])
    late.abort()
  }
  child.stdin?.on('error', () => {}) // a server that ended says why
  child.stdin?.write(`${JSON.stringify({ ...order, key } satisfies OnceOrder)}\n`)
  try {
    const answer = await answerOf(child, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    if ('failed' in answer) throw new Failure(answer.failed.code, answer.failed.message, { hint: answer.failed.hint })
    // Ends with this process, which waits for the server only where it says so.
    release(child)
    return { answer, key, ended: () => endOf(child), end }
  } catch (error) {
    await end()
    if (signal.aborted) throw interrupted(signal)
    if (error instanceof Failure) throw error
    throw new Failure('timed_out', `the database did not answer within ${timeoutMs / 1000} s; nothing was changed`, {
      cause: error,
    })
  }
}

const mostOfErrors = 4000

/** The first line of the server. @throws Failure `internal` where it ends without one; the reason of the signal */
async function answerOf(child: ChildProcess, signal: AbortSignal): Promise<OnceAnswer> {
  let text = ''
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    errors = `${errors}${part}`.slice(-mostOfErrors)
  })
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(notReady(why))
    child.once('error', (error) => fail(error.message))
    child.once('close', () => fail(lastLine(errors) ?? endOf(child) ?? 'without a word'))
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (!text.includes('\n')) return
      const read = OnceAnswer.safeParse(jsonOf(text))
      if (read.success) resolve(read.data)
      else reject(unknownAnswer())
    })
  })
}

const notReady = (why: string): Failure =>
  new Failure('internal', `jobs-server --once ended before it was ready: ${why}`, {
    hint: 'the same command with --debug shows its log',
  })

const unknownAnswer = (): Failure => notReady('this jobsctl does not know its answer')

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
function release(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr])
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
}
