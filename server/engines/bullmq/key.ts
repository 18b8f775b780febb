import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { type KeyParts, keyParts, keyText } from '../../../shared/work/job-key.ts'
import { isQueueWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { onlyKey } from '../parts/keys.ts'
import { decodedPart, quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'

interface NativeKey {
  queue: string
  id: string
}

/** The queue and the id of a key; undefined for a text without a queue, and for one that is no key. */
export function parseKey(key: string): NativeKey | undefined {
  const { queue, id = '' } = keyParts(key) ?? {}
  return queue === undefined || id === '' ? undefined : { queue, id }
}

/** A condition on `jobs`: true for jobs with these keys, each of which is one entry of the primary key (queue, id). */
export function hasKey(sql: Sql, keys: readonly string[]): Fragment {
  const native = keys.flatMap((key) => parseKey(key) ?? [])
  const [only, ...others] = native
  if (!only) return sql`false`
  if (others.length === 0) return sql`jobs.queue = ${only.queue}::text and jobs.native_id = ${only.id}::text`
  return sql`
    (jobs.queue, jobs.native_id) in (
      select named.queue, named.id
      from rows from (
        unnest(${native.map(({ queue }) => queue)}::text[]), unnest(${native.map(({ id }) => id)}::text[])
      ) as named (queue, id)
    )`
}

/** The job with the key that an expression has. */
export const isNearKey = (key: string, row: string): string =>
  `${row}.queue = ${decodedPart(key, 'queue')} and ${row}.native_id = ${decodedPart(key, 'id')}`

/**
 * The keys of jobs by what somebody names them with. Ids of BullMQ are counted for each queue, so that an id without its queue names a job
 * only where one queue alone has it.
 * @param texts keys and ids
 * @returns the key of each text that names a job, or could: a key with a queue is not looked up
 * @throws Failure `not_supported` for an id that jobs of several queues have
 */
export async function readKeys(
  sql: Sql,
  found: readonly Found[],
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const named = texts.flatMap((text) => {
    const parts = keyParts(text)
    return parts ? [{ text, parts }] : []
  })
  const bare = named.filter(({ parts }) => parts.queue === undefined).map(({ parts }) => parts.id)
  const queues =
    bare.length === 0 ? new Map<string, string[]>() : await queuesWith(sql, found, { ids: [...new Set(bare)], within })
  const keyOf = ({ queue, id }: KeyParts): string | undefined => {
    if (queue !== undefined) return keyText({ queue, id })
    return onlyKey(
      id,
      (queues.get(id) ?? []).map((queue) => keyText({ queue, id })),
    )
  }
  return new Map(
    named.flatMap(({ text, parts }): [string, string][] => {
      const key = keyOf(parts)
      return key === undefined ? [] : [[text, key]]
    }),
  )
}

interface Bare {
  ids: readonly string[]
  within: TokenScope | undefined
}

/** The queues that have a job with each of these ids, as far as the caller may see. */
async function queuesWith(sql: Sql, found: readonly Found[], { ids, within }: Bare): Promise<Map<string, string[]>> {
  const queues = new Map<string, string[]>()
  for (const { schema, domain } of found) {
    const rows = await sql<{ queue: string; id: string }[]>`
      select q.queue, job.id
      from unnest(${[...ids]}::text[]) as named (id)
      cross join (select ${sql.unsafe(quotedText(domain))}::text as domain, known.queue from (${queuesOf(sql, schema)}) as known) as q
      cross join lateral (
        select j.id from ${sql.unsafe(schema)}.job as j where j.queue = q.queue and j.id = named.id offset 0
      ) as job
      where true ${isQueueWithin(sql, within, sql`q`)}`
    for (const { queue, id } of rows) queues.set(id, [...(queues.get(id) ?? []), queue])
  }
  return queues
}
