import type { EngineSign } from '../database/connection/other-engines.ts'
import type { Names } from '../database/connection/qualify.ts'
import { namesOf } from '../database/connection/schema-names.ts'
import type { Sql } from '../database/sql.ts'
import type { QueueAdapter } from './adapter.ts'
import type { Found } from './found.ts'

/** The jobs of another engine, as this server serves them. */
export interface ServedEngine {
  /** `look`: there is no table of ours, and nothing is written. `admin`: records and the archive are there, so jobs can be changed. */
  mode: 'look' | 'admin'
  adapter: QueueAdapter
  /** The places of the jobs, at least one. */
  found: readonly Found[]
}

/** Our own jobs. Engines may have theirs in the same database, which nobody has asked the server to serve. */
interface ServedOwn {
  mode: 'own'
  beside: readonly EngineSign[]
}

/** Whose jobs a server works on: its own, or those of another engine. */
export type Served = ServedOwn | ServedEngine

const own: Served = { mode: 'own', beside: [] }
const served = new WeakMap<Names, Served>()

/** Says whose jobs all clients with these names work on. */
export const serve = (names: Names, engine: Served): Names => {
  served.set(names, engine)
  return names
}

/** Whose jobs a pool, transaction or session works on. */
export function servedBy(sql: Sql): Served {
  const names = namesOf(sql)
  return names ? servedWith(names) : own
}

/** Whose jobs the clients with these names work on. */
export const servedWith = (names: Names): Served => served.get(names) ?? own
