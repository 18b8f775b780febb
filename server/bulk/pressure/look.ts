import { setTimeout as wait } from 'node:timers/promises'
import type { PressureKind, Waiting } from '../../../shared/changes/waiting.ts'
import { sizeText } from '../../../shared/times/time-and-size.ts'
import type { PressureLimits } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import type { Log } from '../../log/log.ts'
import { readArchiveBytes, readReplicas, readSlots } from './readings.ts'

/** A limit that is exceeded now. */
export type Pressure = Omit<Waiting, 'seconds'> & { why: PressureKind }

interface LookContext {
  sql: Sql
  log: Pick<Log, 'warn'>
  limits: PressureLimits
  /** The size of the archive when the change began; undefined for a change that puts nothing into it. */
  archiveBefore: number | undefined
}

/** The change does not wait longer than this for an answer, in milliseconds. */
const longestLookMs = 2000

/**
 * Looks whether a limit is exceeded. It throws no error: what cannot be read is not watched, which the log says once.
 * An archive above its limit counts only where it has grown since the change began: a change may fill the room of deleted rows.
 */
export function createLook({ sql, log, limits, archiveBefore }: LookContext): () => Promise<Pressure | undefined> {
  const reported = new Set<string>()
  const part = (what: string, read: Promise<Pressure | undefined>) =>
    read.catch((error: unknown) => {
      if (!reported.has(what)) log.warn(`${what} cannot be read, and a change does not wait for it: ${error}`)
      reported.add(what)
      return undefined
    })
  let running: Promise<unknown> | undefined
  return async () => {
    if (running) return undefined
    const { lagSeconds, walBytes, archiveBytes } = limits
    const parts = Promise.all([
      lagSeconds === undefined ? undefined : part('the lag of the replicas', replicaLag(sql, lagSeconds)),
      walBytes === undefined ? undefined : part('what replication slots keep', keptWal(sql, walBytes)),
      archiveBytes === undefined || archiveBefore === undefined
        ? undefined
        : part('the size of the archive', archiveSize(sql, archiveBytes, archiveBefore)),
    ]).then((found) => found.find((pressure) => pressure !== undefined))
    running = parts.finally(() => {
      running = undefined
    })
    return Promise.race([parts, wait(longestLookMs, undefined, { ref: false })])
  }
}

async function replicaLag(sql: Sql, limit: number): Promise<Pressure | undefined> {
  const [replica] = await readReplicas(sql)
  if (!replica || replica.seconds <= limit) return undefined
  const { name, seconds } = replica
  const detail = `the replica ${name} lags by ${Math.floor(seconds)} s (limit ${limit} s)`
  return { why: 'replica_lag', name, value: seconds, limit, detail }
}

async function keptWal(sql: Sql, limit: number): Promise<Pressure | undefined> {
  const [slot] = await readSlots(sql)
  if (!slot || slot.bytes <= limit) return undefined
  const { name, bytes } = slot
  const detail = `the replication slot ${name} keeps ${sizeText(bytes)} of WAL (limit ${sizeText(limit)})`
  return { why: 'kept_wal', name, value: bytes, limit, detail }
}

async function archiveSize(sql: Sql, limit: number, before: number): Promise<Pressure | undefined> {
  const bytes = await readArchiveBytes(sql)
  if (bytes <= limit || bytes <= before) return undefined
  const detail = `jobs_archive has ${sizeText(bytes)} (limit ${sizeText(limit)})`
  return { why: 'archive_size', name: 'jobs_archive', value: bytes, limit, detail }
}
