import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../../shared/errors.ts'
import type { Log } from '../../log/log.ts'
import { waitForRoom } from './disk-room.ts'
import { embeddedError, isDiskFull } from './embedded-error.ts'
import { createBrokenSocket, createEmbeddedSocket } from './embedded-socket.ts'
import { type DatabaseThread, startDatabaseThread, type ThreadOptions } from './embedded-thread.ts'

interface Supervising {
  thread: ThreadOptions
  log: Log
  /** Called each time the database is open. */
  opened: () => void
}

type State =
  | { is: 'opening' }
  | { is: 'open'; thread: DatabaseThread }
  /** Why it has stopped, as a clause. It is opened again, unless it has failed. */
  | { is: 'closed'; why: string }
  | { is: 'failed'; failure: Failure }

const pauseMs = 1000
/** The number of openings in a row that may fail although the disk has room. */
const mostTries = 3

/**
 * Keeps the embedded database open: starts its thread, and starts another thread when this one dies, aborts or does not
 * answer. When the disk is full it first waits until the disk has room.
 */
export class EmbeddedSupervisor {
  /** Resolves with a clause that says why, when the database cannot be opened again and only a restart of the server helps. */
  readonly lost: Promise<string>
  readonly #options: Supervising
  #state: State = { is: 'opening' }
  #thread: DatabaseThread | undefined
  readonly #closing = new AbortController()
  #changed: Promise<void>

  constructor(options: Supervising) {
    this.#options = options
    this.#changed = this.#openOnce()
    this.lost = this.#keepOpen()
  }

  /** A socket to the database. It waits for the first opening, and is broken while the database is closed. */
  async connect(): Promise<Duplex> {
    if (this.#state.is === 'opening') await this.#changed
    const state = this.#state
    if (state.is === 'open') return createEmbeddedSocket(state.thread, (why) => embeddedError('stopped', why))
    if (state.is === 'failed') return createBrokenSocket(state.failure)
    return createBrokenSocket(embeddedError('closed', state.is === 'closed' ? state.why : 'it is closed'))
  }

  get isOpen(): boolean {
    return this.#state.is === 'open'
  }

  /**
   * Closes the database. After `graceMs` milliseconds its thread is ended even when it does not answer.
   * @returns false when the thread cannot be ended
   */
  async close(graceMs: number): Promise<boolean> {
    this.#closing.abort()
    // A database that is being opened may be left at any point: it is made under another name, and recovers otherwise.
    return (await this.#thread?.close(this.isOpen ? graceMs : 0)) ?? true
  }

  /** Starts a thread, and resolves when the database is open or could not be opened. */
  async #openOnce(): Promise<void> {
    const { thread: options, log, opened } = this.#options
    const started = performance.now()
    const thread = startDatabaseThread(options)
    this.#thread = thread
    try {
      await thread.opened
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure('internal', String(error), { cause: error })
      const why = failure.message
      const again = failure.code !== 'usage' && (isDiskFull(why) || this.#state.is === 'closed')
      this.#state = again ? { is: 'closed', why } : { is: 'failed', failure }
      return
    }
    log.info('the embedded database is open', { ms: Math.round(performance.now() - started) })
    this.#state = { is: 'open', thread }
    opened()
  }

  /** Resolves with a clause that says why, when the database cannot be opened again. */
  async #keepOpen(): Promise<string> {
    let failures = 0
    for (await this.#changed; !this.#closing.signal.aborted; await this.#openOnce()) {
      if (this.#state.is === 'open') {
        failures = 0
        this.#state = { is: 'closed', why: await this.#state.thread.ended }
      } else failures += 1
      if (this.#closing.signal.aborted) break
      if (this.#state.is !== 'closed') return this.#state.is === 'failed' ? this.#state.failure.message : 'it is closed'
      const { why } = this.#state
      // Two threads on one folder would damage the database.
      if (!(await this.#thread?.isGone()))
        return this.#fail(`${why}, and its thread, which waits for the disk, cannot be ended`)
      if (failures > mostTries && !isDiskFull(why)) return this.#fail(why)
      await this.#pause(why, failures)
    }
    return new Promise(() => {})
  }

  #fail(why: string): string {
    this.#state = {
      is: 'failed',
      failure: new Failure('database_unavailable', `the embedded database has stopped: ${why}; nothing was changed`),
    }
    return why
  }

  async #pause(why: string, failures: number): Promise<void> {
    const { log, thread } = this.#options
    const { signal } = this.#closing
    log.error(`the embedded database has stopped: ${why}`)
    if (isDiskFull(why)) return waitForRoom({ folder: thread.folder, log, signal })
    await wait(pauseMs * 2 ** failures, undefined, { ref: false, signal }).catch(() => {})
  }
}
