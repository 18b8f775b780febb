import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { makeDataFolder } from '../data-folder.ts'
import { connectEmbedded } from './connect.ts'
import { createEmbeddedSocket } from './embedded-socket.ts'
import { endDatabaseThread, startDatabaseThread } from './embedded-thread.ts'
import { findNames } from './find-names.ts'
import { lockFolder } from './folder-lock.ts'
import type { Listener, OpenedDatabase } from './opened-database.ts'
import { type SchemaNames, withSchemaNames } from './schema-names.ts'

interface EmbeddedOptions {
  /** The server's data folder; the database gets the folder `database` in it. */
  folder: string
  /** Wait for the disk at each commit, so that a power cut loses nothing. */
  fsync: boolean
}

/**
 * Opens the database in the data folder, and makes one where there is none, which takes a few seconds.
 * @throws Failure `conflict` when another server has it open, `usage` when PGlite is not installed or the folder cannot
 *   be made, `database_unavailable` when the database does not open
 */
export async function openEmbedded({ folder, fsync }: EmbeddedOptions): Promise<OpenedDatabase> {
  await makeDataFolder(folder)
  const release = await lockFolder(folder)
  try {
    return connectTo(await startDatabaseThread({ folder: join(folder, 'database'), fsync }), release)
  } catch (error) {
    await release()
    throw error
  }
}

function connectTo(worker: Worker, release: () => Promise<void>): OpenedDatabase {
  const listeners = new Map<string, Listener>()
  const names: SchemaNames = {}
  const own = connectEmbedded(
    () => createEmbeddedSocket(worker),
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
    lost,
    findSchema: async () => {
      names.known ??= await findNames(own, undefined)
      return names.known.schema
    },
    withDedicatedPool: (work) => work(sql),
    listen: (channel, listener) => {
      listeners.set(channel, listener)
      sql`listen ${sql(channel)}`.then(listener.listening, () => {})
    },
    close: async () => {
      closing = true
      await sql.end({ timeout: 5 })
      await endDatabaseThread(worker)
      await release()
    },
  }
}
