import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { Failure } from '../../shared/errors.ts'
import { makeDataFolder } from '../data-folder.ts'
import { connectEmbedded } from './connect.ts'
import { findNames } from './find-names.ts'
import { lockFolder } from './folder-lock.ts'
import { type SchemaNames, withSchemaNames } from './schema-names.ts'
import type { Pool, Sql } from './sql.ts'

export interface Listener {
  /** A notice has come. */
  heard: (notice: string) => void
  /** From now on notices are heard; those before may be lost. */
  listening: () => void
}

export interface OpenedDatabase {
  sql: Pool
  /**
   * Finds the schema of the tables, from which on all statements name it. Asked again, it answers the same.
   * @throws Failure `usage` where there are several
   */
  findSchema: (from: Sql) => Promise<string>
  /** Runs what may take long on connections of its own, so that calls keep all of the pool; the embedded database has but one. */
  withDedicatedPool: <Result>(work: (own: Pool) => Promise<Result>) => Promise<Result>
  /** Hears the notices of a channel from now on, and again whenever a lost connection is back. */
  listen: (channel: string, listener: Listener) => void
  close: () => Promise<void>
  /** Resolves if the database is lost for good, and only another start helps. */
  lost: Promise<void>
}

interface EmbeddedOptions {
  /** The server's data folder; the database gets a folder of its own in it. */
  folder: string
  /** Wait for the disk at each commit, so that a power cut loses nothing. */
  fsync: boolean
}

/**
 * Opens the database in `folder`, making it where there is none (that takes a few seconds).
 * @throws Failure `conflict` when another server has it open, `usage` when PGlite is not installed
 */
export async function openEmbedded({ folder, fsync }: EmbeddedOptions): Promise<OpenedDatabase> {
  await makeDataFolder(folder)
  const release = await lockFolder(folder)
  try {
    const worker = await startWorker({ folder: join(folder, 'database'), fsync })
    const listeners = new Map<string, Listener>()
    const names: SchemaNames = {}
    const own = connectEmbedded(
      () => wire(worker),
      (channel, notice) => listeners.get(channel)?.heard(notice),
    )
    const sql = withSchemaNames(own, names)
    let closing = false
    const lost = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        if (!closing) resolve()
      })
    })
    return {
      sql,
      findSchema: async () => {
        names.known ??= await findNames(own, undefined)
        return names.known.schema
      },
      withDedicatedPool: (work) => work(sql),
      lost,
      listen: (channel, listener) => {
        listeners.set(channel, listener)
        sql`listen ${sql(channel)}`.then(listener.listening, () => {})
      },
      close: async () => {
        closing = true
        await sql.end({ timeout: 5 })
        await closed(worker)
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** A thread of its own: a long query must not keep the server from answering. */
async function startWorker(workerData: { folder: string; fsync: boolean }): Promise<Worker> {
  const worker = new Worker(new URL('./embedded-worker.js', import.meta.url), { workerData })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', (cause) => reject(explained(cause)))
  })
  return worker
}

function explained(cause: unknown): Failure {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
  if (missing) {
    return new Failure('usage', 'the embedded database is not installed', {
      hint: 'install jobsctl with its optional dependencies, or set JOBS_DB_URL to a PostgreSQL server',
      cause,
    })
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Failure('database_unavailable', `the embedded database does not open: ${why}`, { cause })
}

async function closed(worker: Worker): Promise<void> {
  await new Promise((resolve) => {
    worker.once('exit', resolve)
    worker.postMessage('close')
  })
}

const terminate = 'X'.charCodeAt(0)

/** What postgres.js takes for a network socket: bytes to the worker, and its answers back. */
function wire(worker: Worker): Duplex {
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // PostgreSQL's goodbye would end the only session there is.
      if (chunk[0] !== terminate) worker.postMessage(chunk)
      done()
    },
    final(done) {
      done()
      this.destroy()
    },
    destroy(error, done) {
      worker.off('message', receive).off('error', fail)
      done(error)
    },
  })
  const receive = (answer: Uint8Array) => void socket.push(answer)
  const fail = (error: unknown) => void socket.destroy(error instanceof Error ? error : new Error(String(error)))
  worker.on('message', receive).on('error', fail)
  return Object.assign(socket, { readyState: 'open' })
}
