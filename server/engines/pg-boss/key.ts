import { isUuid, keyText } from '../../../shared/work/job-key.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { keysWithQueue, type NativeKey, sortKeys, splitKey } from '../parts/keys.ts'
import { decodedPart, uuidPattern } from '../parts/sql-text.ts'

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
  const ids = sql`${`{${native.map(({ id }) => id).join(',')}}`}::text::uuid[]`
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
 * @returns the key of each text that names a job, or could: a key with a queue is not looked up
 */
export async function readKeys(
  sql: Sql,
  found: readonly Found[],
  texts: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { keys, bare } = sortKeys(texts, parseKey)
  if (bare.size === 0) return keys
  const ids = [...new Set(bare.values())]
  for (const { schema } of found) {
    const of = sql.unsafe(schema)
    const rows = await sql<{ queue: string; id: string }[]>`
      select q.name as queue, job.id::text as id
      from unnest(${ids}::text[]::uuid[]) as named (id)
      cross join ${of}.queue as q
      cross join lateral (select j.id from ${of}.job as j where j.name = q.name and j.id = named.id offset 0) as job`
    for (const row of rows)
      for (const [text, id] of bare) if (id === row.id && !keys.has(text)) keys.set(text, keyText(row))
  }
  return keys
}

/** The keys of deleted jobs that somebody names by a bare uuid. Of several with one uuid it is the job that was deleted last. */
export async function readArchivedKeys(sql: Sql, texts: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const bare = texts.flatMap((text) => {
    const { queue, id } = parseKey(text) ?? {}
    return id === undefined || queue !== undefined ? [] : [{ text, id }]
  })
  if (bare.length === 0) return new Map()
  const rows = await sql<{ uuid: string; key: string }[]>`
    select distinct on (native_id) native_id::text as uuid, id as key
    from jobs_archive
    where jobs_archive.native_id = any(${bare.map(({ id }) => id)}::text[]::uuid[])
    order by native_id, archived_at desc`
  const keys = new Map(rows.map(({ uuid, key }) => [uuid, key]))
  return new Map(bare.flatMap(({ text, id }) => (keys.get(id) === undefined ? [] : [[text, keys.get(id) ?? '']])))
}
