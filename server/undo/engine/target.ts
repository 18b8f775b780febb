import { Failure } from '../../../shared/errors.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { isJobOf } from '../../database/job-ids.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { migratedText, versionText } from '../../engines/abilities.ts'
import type { QueueAdapter } from '../../engines/adapter.ts'
import type { Found } from '../../engines/found.ts'
import { servedBy, severalDomains } from '../../engines/served.ts'
import { noteOtherVersion } from '../../engines/watched.ts'
import type { EndIndex, EngineAct, EngineMoves, EnginePlace, EngineWrites } from '../../engines/writes.ts'

/** The jobs of another engine that a change works on, and where our tables are. */
export interface EngineTarget {
  adapter: QueueAdapter
  writes: EngineWrites
  found: Found
  /** The table of jobs, with its schema. */
  table: Fragment
  /** A table of ours, with its schema. */
  ours: (table: string) => Fragment
  /** A query of the job with a key, an expression. */
  ofKey: (sql: Sql, key: string) => Fragment
}

/**
 * The jobs of another engine that the changes of a client work on; undefined where the jobs are our own.
 * @throws Failure `not_supported` for a client of several places: rows of several tables cannot be locked as one
 */
export function engineTarget(sql: Sql): EngineTarget | undefined {
  const served = servedBy(sql)
  const schema = namesOf(sql)?.schema
  if (served.mode === 'own' || schema === undefined) return undefined
  const [{ adapter, found }, ...others] = served.places
  if (others.length > 0) throw severalDomains(served.places)
  return {
    adapter,
    writes: adapter.writes,
    found,
    table: sql.unsafe(adapter.writes.table(found)),
    ours: (table) => sql.unsafe(`${schema}.${table}`),
    ofKey: (of, key) => jobOfKey(of, key, of``),
  }
}

/** The same for an engine with dead letter queues. */
export interface MovingTarget extends EngineTarget {
  moves: EngineMoves
}

/** @throws Failure `not_supported` where the jobs have no dead letter queue; others as `engineTarget` */
export function requireMoves(sql: Sql): MovingTarget {
  const target = engineTarget(sql)
  const moves = target?.writes.moves
  if (target && moves?.isKept(target.found)) return { ...target, moves }
  if (target && moves)
    throw new Failure(
      'not_supported',
      `${target.adapter.engine} ${versionText(target.found)} does not keep where a dead letter came from; nothing was changed`,
      { hint: `install a newer ${target.adapter.engine}` },
    )
  throw new Failure('not_supported', 'the jobs of this server have no dead letter queue; nothing was changed')
}

/**
 * Checks that the tables of the engine are those that the server has looked at.
 * @throws Failure `conflict` where the engine has migrated them since
 */
export async function requireSameVersion(sql: Sql, { adapter, writes, found }: EngineTarget): Promise<void> {
  const [row] = await sql<[{ same: boolean }]>`select ${sql.unsafe(writes.guard(found))} as same`
  if (row.same) return
  noteOtherVersion(found)
  throw new Failure('conflict', `${migratedText(adapter.engine, found)}; nothing was changed`, {
    hint: 'start the server again, which looks at the tables as they are now',
  })
}

/** @throws Failure `not_supported` where jobs cannot run again at times of their own; others as `engineTarget` */
export function requireSpread(sql: Sql): void {
  const why = engineTarget(sql)?.writes.whyNoSpread
  if (why) throw new Failure('not_supported', `${why.cannot}; nothing was changed`, { hint: why.instead })
}

/** A column of `picked`, beginning with a comma: the tid of the row of the job. Empty for an engine that finds it by its key. */
export const tidOfPicked = (sql: Sql, { writes }: Pick<EngineTarget, 'writes'>): Fragment =>
  writes.hasTid ? sql`, jobs.native_tid as tid` : sql``

/** An SQL fragment that begins with `and`: the engine lets the job run again. Empty for jobs of our own. */
export function engineMayRetry(sql: Sql): Fragment {
  const target = engineTarget(sql)
  return target ? sql`and ${target.writes.mayRetry(sql, target.found)}` : sql``
}

/** An SQL expression on `jobs`: why the engine does not let the job run again. Null where it does, and for jobs of our own. */
export function whyEngineNoRetry(sql: Sql): Fragment {
  const target = engineTarget(sql)
  return target ? target.writes.whyNoRetry(sql, target.found) : sql`null::text`
}

/** The places that a job takes when it runs again. None for jobs of our own. */
export const placesOfRetry = (sql: Sql): EnginePlace[] => engineTarget(sql)?.writes.placesOfRetry?.(sql) ?? []

/** An SQL fragment that begins with `and`: the engine lets the job be changed so. Empty for jobs of our own, and for an engine that lets all. */
export function engineTakes(sql: Sql, act: EngineAct['act']): Fragment {
  const refusal = whyEngineRefuses(sql, act)
  return refusal ? sql`and (${refusal}) is null` : sql``
}

/** An SQL expression on `jobs`: why the engine does not let the job be changed so. Undefined where every job may be. */
export function whyEngineRefuses(sql: Sql, act: EngineAct['act']): Fragment | undefined {
  const target = engineTarget(sql)
  return target?.writes.refusal?.(sql, target.found, act)
}

/** An SQL expression: a time from which a job can run as its column keeps it, such as a day. */
export function keptDue(sql: Sql, due: Fragment): Fragment {
  const kept = engineTarget(sql)?.writes.keptDue
  if (kept === undefined) return due
  return sql`(select case when isfinite(due.time) then ${sql.unsafe(kept)} else due.time end from (select ${due} as time) as due)`
}

/** An SQL expression on `jobs`: why the engine still needs an ended job. Undefined where the engine tells nothing, and for jobs of our own. */
export function whyEngineNoPrune(sql: Sql): Fragment | undefined {
  const target = engineTarget(sql)
  return target?.writes.whyNoPrune?.(sql, target.found)
}

/** An SQL fragment that begins with `and`: the engine needs the job no more. Empty for jobs of our own. */
export function engineMayDelete(sql: Sql, by: 'prune' | 'erase'): Fragment {
  const target = engineTarget(sql)
  return target ? sql`and ${target.writes.mayDelete(sql, target.found, by)}` : sql``
}

/** An SQL fragment that begins with `and`: jobs that ended before a time, by indexes of the engine. Empty where it has none, and for jobs of our own. */
export function engineEndedBefore(sql: Sql, time: Fragment): Fragment {
  const target = engineTarget(sql)
  const isBefore = target?.writes.endedBefore?.(sql, target.found, time)
  return isBefore ? sql`and ${isBefore}` : sql``
}

/** The index by which the jobs of the engine are found in the order of their ends; undefined for jobs of our own, and of several places. */
export function engineEndIndex(sql: Sql): EndIndex | undefined {
  const { mode, places } = servedBy(sql)
  const [place, ...others] = places
  return mode !== 'own' && others.length === 0 ? place?.adapter.writes.endIndex : undefined
}

/**
 * A query, for `exists`, of the job with the id that an expression has.
 * @param more `and …` on the row `other`
 */
export const jobOfKey = (sql: Sql, id: string, more: Fragment): Fragment =>
  sql`select from jobs other where ${isJobOf(sql, id, 'other')} ${more} offset 0`

/** The same of its copies in the archive. */
export const copyOfKey = (sql: Sql, id: string, more: Fragment): Fragment =>
  sql`select from jobs_archive other where ${isJobOf(sql, id, 'other')} ${more} offset 0`
