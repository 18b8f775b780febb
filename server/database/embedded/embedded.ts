import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeDataFolder } from '../../env/data-folder.ts'
import type { Log } from '../../log/log.ts'
import { connectEmbedded } from '../connection/connect.ts'
import { findNames } from '../connection/find-names.ts'
import type { Listener, OpenedDatabase } from '../connection/opened-database.ts'
import type { PoolMeter } from '../connection/pool-meter.ts'
import { type SchemaNames, withSchemaNames } from '../connection/schema-names.ts'
import { EmbeddedSupervisor } from './embedded-supervisor.ts'
import { lockFolder } from './folder-lock.ts'

interface EmbeddedOptions {
  /** The server's data folder; the database gets the folder `database` in it. */
  folder: string
  /** Wait for the disk at each commit, so that a power cut loses nothing. */
  fsync: boolean
  /** A database that does not answer a statement and touches no file for so long is started again, in milliseconds. */
  silenceMs: number
  log: Log
  /** Undefined while metrics are off. */
  meter: PoolMeter | undefined
}

/**
 * Opens the database in the data folder, and makes one where there is none. It resolves at once: opening takes a few
 * seconds, and statements wait for it.
 * @throws Failure `conflict` when another server has it open, `usage` when the folder cannot be made
 */
export async function openEmbedded({ folder, fsync, silenceMs, log, meter }: EmbeddedOptions): Promise<OpenedDatabase> {
  await makeDataFolder(folder, log)
  const release = await lockFolder(folder)
  const channels = new Map<string, Listener>()
  const names: SchemaNames = {}
  const isNew = !existsSync(join(folder, 'database'))
  log.info(isNew ? 'making the embedded database, which takes some seconds' : 'opening the embedded database', {
    folder,
  })
  const supervisor = new EmbeddedSupervisor({
    thread: { folder: join(folder, 'database'), fsync, silenceMs },
    log,
    opened: () => {
      for (const [channel, listener] of channels) void listenTo(channel, listener)
    },
  })
  const own = connectEmbedded({
    socket: () => supervisor.connect(),
    onnotify: (channel, notice) => channels.get(channel)?.heard(notice),
    meter,
  })
  const listenTo = (channel: string, { listening }: Listener) => own`listen ${own(channel)}`.then(listening, () => {})
  const sql = withSchemaNames(own, names)
  return {
    hosts: [],
    sql,
    operatorSql: sql,
    findSchema: async () => {
      names.known ??= await findNames(own, { JOBS_DB_SCHEMA: undefined, JOBS_ENGINE: 'own' })
      return names.known.schema
    },
    withDedicatedPool: (work) => work(sql),
    listen: (channel, listener) => {
      channels.set(channel, listener)
      void listenTo(channel, listener)
    },
    lost: supervisor.lost,
    close: async (graceMs) => {
      // Statements on a database that is not open do not end by themselves.
      if (supervisor.isOpen) await own.end({ timeout: graceMs / 2000 })
      const isGone = await supervisor.close(graceMs / 2)
      await own.end({ timeout: 0 })
      await release()
      return isGone
    },
    abandon: () => supervisor.close(0),
  }
}
