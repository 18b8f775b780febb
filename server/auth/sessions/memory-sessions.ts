import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { longestTerms } from './session-terms.ts'

/** A session as the memory of a server has it. Times are in seconds since 1970. */
interface Kept {
  caller: string
  proof: string
  opened: number
  seen: number
}

/** The sessions of a server that only looks, by the hashes of their secrets. They end with the process. */
export type MemorySessions = Map<string, Kept>

const sessions = new WeakMap<object, MemorySessions>()

/** The sessions in memory, without those whose longest term is over; undefined where a table keeps sessions. */
export function memorySessions(sql: Sql): MemorySessions | undefined {
  const served = servedBy(sql)
  if (served.mode !== 'look') return undefined
  const kept: MemorySessions = sessions.get(served.server) ?? new Map()
  sessions.set(served.server, kept)
  for (const [hash, { opened, seen }] of kept)
    if (nowSeconds() - seen > longestTerms.idle || nowSeconds() - opened > longestTerms.longest) kept.delete(hash)
  return kept
}

/** Since 1970. */
export const nowSeconds = (): number => Date.now() / 1000

/** Ends the sessions of a caller that were used least recently, beyond the `most` that it may have. */
export function endOldest(kept: MemorySessions, caller: string, most: number): void {
  const ofCaller = [...kept].filter(([, session]) => session.caller === caller)
  const oldest = ofCaller.sort(([, one], [, other]) => other.seen - one.seen).slice(most)
  for (const [hash] of oldest) kept.delete(hash)
}
