import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { keysWithQueue, type NativeKey, sortKeys, splitKey } from '../parts/keys.ts'
import { decodedPart, wholeNumber } from '../parts/sql-text.ts'
import { projectionOf } from './projection.ts'

/** The largest value of bigint. */
const highest = 9_223_372_036_854_775_807n

/**
 * Reads a key, or a bare number. Slashes of the queue may be there unescaped, since a number has none.
 * @returns undefined for what cannot name a job of graphile-worker
 */
export function parseKey(key: string): NativeKey | undefined {
  const { queue, id = '' } = splitKey(key) ?? {}
  return /^[1-9]\d{0,18}$/.test(id) && BigInt(id) <= highest ? { queue, id } : undefined
}

/**
 * A condition on `jobs`: true for jobs with these keys, by the primary key. A job is not found by the name of a queue that it is not in. The pairs are
 * hashed: a join would read the name of the queue of each job twice.
 */
export function hasKey(sql: Sql, keys: readonly string[]): Fragment {
  const native = keysWithQueue(keys, parseKey)
  const [only, ...others] = native
  if (!only) return sql`false`
  if (others.length === 0) return sql`jobs.native_id = ${only.id}::text::bigint and jobs.queue = ${only.queue}::text`
  const ids = native.map(({ id }) => id)
  return sql`
    jobs.native_id = any(${ids}::text[]::bigint[]) and ((jobs.native_id, jobs.queue) in (
      select named.id, named.queue
      from rows from (unnest(${ids}::text[]::bigint[]), unnest(${native.map(({ queue }) => queue)}::text[])) as named (id, queue)
    )) is true`
}

/** The jobs whose id a key, an expression, has. */
export const isNearKey = (key: string, row: string): string =>
  `${row}.native_id = ${wholeNumber(decodedPart(key, 'id'))}`

/**
 * The keys of jobs that somebody names by a bare number.
 * @param texts keys and numbers
 * @param within the jobs that the caller may see
 * @returns the key of each text that names a job, or could: a key with a queue is not looked up
 */
export async function readKeys(
  sql: Sql,
  found: readonly Found[],
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { keys, bare } = sortKeys(texts, parseKey)
  if (bare.size === 0) return keys
  for (const place of found) {
    const from = sql`from ${sql.unsafe(projectionOf(place))} as jobs`
    for (const [text, key] of await keysIn(sql, bare, { from, within })) if (!keys.has(text)) keys.set(text, key)
  }
  return keys
}

/** The keys of deleted jobs that somebody names by a bare number, which no other job of the schema gets again. */
export async function readArchivedKeys(
  sql: Sql,
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { bare } = sortKeys(texts, parseKey)
  return bare.size === 0 ? new Map() : keysIn(sql, bare, { from: sql`from jobs_archive as jobs`, within })
}

/** The key of each text that names a job by its number alone. */
async function keysIn(
  sql: Sql,
  bare: ReadonlyMap<string, string>,
  { from, within }: { from: Fragment; within: TokenScope | undefined },
): Promise<Map<string, string>> {
  const rows = await sql<{ number: string; key: string }[]>`
    select distinct jobs.native_id::text as number, jobs.id as key
    ${from}
    where jobs.native_id = any(${[...bare.values()]}::text[]::bigint[]) ${isWithin(sql, within, sql`jobs`)}`
  const keys = new Map(rows.map(({ number, key }) => [number, key]))
  return new Map(
    [...bare].flatMap(([text, number]): [string, string][] => {
      const key = keys.get(number)
      return key === undefined ? [] : [[text, key]]
    }),
  )
}
