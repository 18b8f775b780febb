import { Worker } from 'node:worker_threads'
import { Failure } from '../../shared/errors.ts'

export interface ThreadOptions {
  /** The folder of the database. */
  folder: string
  /** Wait for the disk at each commit. */
  fsync: boolean
}

/**
 * Starts the database in a thread of its own, so that a long query does not keep the server from answering. Resolves
 * when the database is open.
 * @throws Failure `usage` when PGlite is not installed, `database_unavailable` when the database does not open
 */
export async function startDatabaseThread(workerData: ThreadOptions): Promise<Worker> {
  const worker = new Worker(new URL('./embedded-worker.js', import.meta.url), { workerData })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', (cause) => reject(openingFailure(cause)))
  })
  return worker
}

function openingFailure(cause: unknown): Failure {
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

/** Closes the database and resolves when its thread has ended. */
export async function endDatabaseThread(worker: Worker): Promise<void> {
  await new Promise((resolve) => {
    worker.once('exit', resolve)
    worker.postMessage('close')
  })
}
