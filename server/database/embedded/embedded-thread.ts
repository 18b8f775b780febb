import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Failure } from '../../../shared/errors.ts'
import { errorText } from '../../log/system-error.ts'
import { isAccessDenied } from './embedded-error.ts'
import type { ThreadData, ThreadMessage } from './embedded-worker.ts'

export interface ThreadOptions {
  /** The folder of the database. */
  folder: string
  /** Wait for the disk at each commit. */
  fsync: boolean
  /** A thread that has a statement, answers nothing and touches no file for so long is ended, in milliseconds. */
  silenceMs: number
}

/** The embedded database in its thread. */
export interface DatabaseThread {
  /** Resolves when the database is open; rejects with a Failure when it does not open. */
  opened: Promise<void>
  /** Resolves with a clause that says why the thread has ended. */
  ended: Promise<string>
  /** Sends bytes of PostgreSQL's protocol. */
  send: (bytes: Uint8Array) => void
  /** Receives the answers, from now on. */
  receive: (answer: ((bytes: Uint8Array) => void) | undefined) => void
  /** Resolves to true when the thread is gone. A thread that waits for a disk stays, and nothing but the end of the process ends it. */
  isGone: () => Promise<boolean>
  /**
   * Closes the database. After `graceMs` the thread is ended even when it does not answer.
   * @returns false when the thread cannot be ended
   */
  close: (graceMs: number) => Promise<boolean>
}

const lookEveryMs = 500
/** A thread that runs code ends at once, and on a busy machine a little later. */
const longestEndMs = 10_000
/** An opening compiles PostgreSQL before it touches a file. */
const leastOpeningSilenceMs = 60_000
/** A process that gets less than this part of the time has nothing to compute, and waits for a disk. */
const leastShare = 0.005

/** Starts the database in a thread of its own, so that a long query does not keep the server from answering. */
export function startDatabaseThread({ folder, fsync, silenceMs }: ThreadOptions): DatabaseThread {
  const activity = new SharedArrayBuffer(4)
  const workerData: ThreadData = { folder, fsync, activity }
  const worker = new Worker(new URL('./embedded-worker.js', import.meta.url), { workerData })
  const { promise: ended, resolve: end } = promiseWithResolve<string>()
  const { promise: opening, resolve: open } = promiseWithResolve<'open'>()
  let unanswered = 1 // the opening
  let answer: ((bytes: Uint8Array) => void) | undefined
  let failed: unknown
  const gone = new Promise<true>((resolve) => worker.once('exit', () => resolve(true)))
  const goneWithin = (ms: number) => Promise.race([gone, wait(ms, false, { ref: false })])
  const stop = (why: string) => {
    watch.end()
    end(why)
    void worker.terminate()
  }
  let isOpen = false
  const watch = watchSilence({ activity, silenceMs, isOpen: () => isOpen, isWaiting: () => unanswered > 0, stop })
  worker.on('message', (message: Uint8Array | ThreadMessage) => {
    if (message !== 'open' && 'stopped' in message) return stop(message.stopped)
    unanswered -= 1
    watch.restart()
    if (message === 'open') {
      isOpen = true
      return open(message)
    }
    answer?.(message)
  })
  worker.once('error', (cause) => {
    failed = cause
    end(errorText(cause))
  })
  worker.once('exit', () => {
    watch.end()
    end('its thread has ended')
  })
  return {
    ended,
    opened: Promise.race([opening, ended]).then((outcome) => {
      if (outcome !== 'open') throw openingFailure(failed, outcome)
    }),
    send: (bytes) => {
      if (unanswered === 0) watch.restart()
      unanswered += 1
      try {
        worker.postMessage(bytes)
      } catch (error) {
        // There is no memory for a copy. A session that has half of a transaction is of no use to the next caller.
        stop(errorText(error))
      }
    },
    receive: (receiver) => {
      answer = receiver
    },
    isGone: () => goneWithin(longestEndMs),
    close: async (graceMs) => {
      worker.postMessage('close')
      if (await goneWithin(graceMs)) return true
      void worker.terminate()
      return goneWithin(longestEndMs)
    },
  }
}

interface Silence {
  activity: SharedArrayBuffer
  /** The longest silence of an open database. */
  silenceMs: number
  isOpen: () => boolean
  isWaiting: () => boolean
  stop: (why: string) => void
}

/**
 * Ends a thread that does not answer and does not read or write any file. Of an opening the processor time is counted, since a busy
 * machine gives it little.
 */
function watchSilence({ activity, silenceMs, isOpen, isWaiting, stop }: Silence) {
  const counter = new Int32Array(activity)
  const clock = createClock()
  let seen = 0
  let silentMs = 0
  const restart = () => {
    silentMs = 0
    clock()
  }
  const look = () => {
    const { passedMs, computedMs } = clock()
    silentMs += isOpen() || computedMs < leastShare * passedMs ? passedMs : computedMs
    const now = Atomics.load(counter, 0)
    if (now !== seen || !isWaiting()) restart()
    seen = now
    const limitMs = isOpen() ? silenceMs : Math.max(silenceMs, leastOpeningSilenceMs)
    if (silentMs > limitMs) stop(`it has not answered for ${limitMs / 1000} s`)
  }
  const timer = setInterval(look, Math.min(lookEveryMs, silenceMs)).unref()
  return { restart, end: () => clearInterval(timer) }
}

/** Returns a function that tells how many milliseconds have passed since its last call, and how many of them this process computed. */
function createClock() {
  let at = performance.now()
  let used = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(used)
    const passedMs = performance.now() - at
    at += passedMs
    used = { user: used.user + user, system: used.system + system }
    return { passedMs, computedMs: Math.min((user + system) / 1000, passedMs) }
  }
}

function promiseWithResolve<Value>() {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

function openingFailure(cause: unknown, why: string): Failure {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
  if (missing) {
    return new Failure('usage', 'the embedded database is not installed', {
      hint: 'install jobsctl with its optional dependencies, or set JOBS_DB_URL to a PostgreSQL server',
      cause,
    })
  }
  const hint = isAccessDenied(why)
    ? 'every file of the data folder must belong to the user who runs the server'
    : undefined
  return new Failure('database_unavailable', `the embedded database does not open: ${why}`, { hint, cause })
}
