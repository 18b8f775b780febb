import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { isUuid, keyText } from '../../../shared/work/job-key.ts'
import { isQueueWithin, isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { keysWithQueue, type NativeKey, onlyKey, sortKeys, splitKey } from '../parts/keys.ts'
import { decodedPart, quotedText, uuidPattern } from '../parts/sql-text.ts'

/**
 * Reads a key, or a bare uuid, in either case of its letters. Slashes of the queue may be there unescaped, since a uuid has none.
 * @returns undefined for what cannot name a job of pg-boss
 */
export function parseKey(key: string): NativeKey | undefined {
  const { queue, id = '' } = splitKey(key) ?? {}
  return isUuid(id) ? { queue, id: id.toLowerCase() } : undefined
}

/** A condition on `jobs`: true for jobs with these keys, each of which is one entry of the primary key of its partition. */
export function hasKey(sql: Sql, keys: readonly string[]): Fragment {
  const native = keysWithQueue(keys, parseKey)
  const [only, ...others] = native
  if (!only) return sql`false`
  if (others.length === 0) return sql`jobs.queue = ${only.queue}::text and jobs.native_id = ${only.id}::text::uuid`
  // PostgreSQL would read the text again for each row that it compares.
  const ids = sql`(select ${`{${native.map(({ id }) => id).join(',')}}`}::text::uuid[])::uuid[]`
  // The ids of a search lie queue by queue: those of one queue are found in one pass over the index of one partition.
  if (others.every(({ queue }) => queue === only.queue))
    return sql`jobs.queue = ${only.queue}::text and jobs.native_id = any(${ids})`
  return sql`
    (jobs.queue, jobs.native_id) in (
      select named.queue, named.id
      from rows from (unnest(${native.map(({ queue }) => queue)}::text[]), unnest(${ids})) as named (queue, id)
    )`
}

/** The job with the key that an expression has: one entry of the primary key of its partition. A text that is no uuid names none. */
export function isNearKey(key: string, row: string): string {
  const id = decodedPart(key, 'id')
  return `${row}.queue = ${decodedPart(key, 'queue')} and ${row}.native_id = case when ${id} ~ '${uuidPattern}' then (${id})::uuid end`
}

/**
 * The keys of jobs that somebody names by a bare uuid: each queue is one entry of the primary key of its partition.
 * @param texts keys and uuids
 * @param within the queues that the caller may see
 * @returns the key of each text that names a job, or could: a key with a queue is not looked up
 * @throws Failure `not_supported` for a uuid that jobs of several queues have: the primary key of pg-boss is the queue with the uuid
 */
export async function readKeys(
  sql: Sql,
  found: readonly Found[],
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { keys, bare } = sortKeys(texts, parseKey)
  if (bare.size === 0) return keys
  const ids = [...new Set(bare.values())]
  for (const { schema, domain } of found) {
    const of = sql.unsafe(schema)
    const rows = await sql<{ queue: string; id: string }[]>`
      select q.queue, job.id::text as id
      from unnest(${ids}::text[]::uuid[]) as named (id)
      cross join (select ${sql.unsafe(quotedText(domain))}::text as domain, name as queue from ${of}.queue) as q
      cross join lateral (select j.id from ${of}.job as j where j.name = q.queue and j.id = named.id offset 0) as job
      where true ${isQueueWithin(sql, within, sql`q`)}`
    const here = keysOfBare(
      bare,
      rows.map((row) => ({ id: row.id, key: keyText(row) })),
    )
    for (const [text, key] of here) if (!keys.has(text)) keys.set(text, key)
  }
  return keys
}

/**
 * The keys of deleted jobs that somebody names by a bare uuid.
 * @throws Failure `not_supported` for a uuid that jobs of several queues had
 */
export async function readArchivedKeys(
  sql: Sql,
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { bare } = sortKeys(texts, parseKey)
  if (bare.size === 0) return new Map()
  const rows = await sql<{ id: string; key: string }[]>`
    select distinct native_id::text as id, id as key
    from jobs_archive
    where jobs_archive.native_id = any(${[...bare.values()]}::text[]::uuid[]) ${isWithin(sql, within, sql`jobs_archive`)}`
  return keysOfBare(bare, rows)
}

/** The key of each text that names a job by a uuid alone. @throws Failure `not_supported` for a uuid with several keys */
function keysOfBare(
  bare: ReadonlyMap<string, string>,
  rows: readonly { id: string; key: string }[],
): Map<string, string> {
  const keys = new Map<string, string[]>()
  for (const { id, key } of rows) keys.set(id, [...(keys.get(id) ?? []), key])
  return new Map(
    [...bare].flatMap(([text, id]): [string, string][] => {
      const key = onlyKey(id, keys.get(id) ?? [])
      return key === undefined ? [] : [[text, key]]
    }),
  )
}
