import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import { isUuid, keyParts } from '../../../shared/work/job-key.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { keysWithQueue, type NativeKey, sortKeys } from '../parts/keys.ts'
import { decodedPart, uuidPattern, wholeNumber } from '../parts/sql-text.ts'
import { type Column, columnOf, isWhole, type Mapped, uniqueBeside } from './table.ts'

const bits: Readonly<Record<string, bigint>> = { int2: 15n, int4: 31n, int8: 63n }

/** The id of a job as the column of the key has it; undefined for a text that is not an id. */
function idOf(column: Pick<Column, 'base'>, text: string): string | undefined {
  if (isWhole(column)) {
    if (!/^-?(?:0|[1-9]\d{0,18})$/.test(text)) return undefined
    const limit = 1n << (bits[column.base] ?? 0n)
    const id = BigInt(text)
    return id >= -limit && id < limit ? String(id) : undefined
  }
  if (column.base === 'uuid') return isUuid(text) ? text.toLowerCase() : undefined
  return text.includes('\0') ? undefined : text
}

/** What a key names: `queue/id`, or the id alone. An id of text may have slashes of its own, where nobody has escaped them. */
function parseKey({ map, table }: Mapped, text: string): NativeKey | undefined {
  const parts = keyParts(text)
  const id = parts && idOf(columnOf(table, map.key), parts.id)
  return id === undefined ? undefined : { queue: parts?.queue, id }
}

/**
 * A condition on `jobs`: true for jobs with these keys, by the index of the key. The archive has an index of the key as a text. A job in another
 * queue by now is another job. The pairs are hashed: a plan for any parameters would compare each job with each item of an array.
 */
export function hasKey(mapped: Mapped, sql: Sql, keys: readonly string[]): Fragment {
  const named = keysWithQueue(keys, (key) => parseKey(mapped, key))
  if (named.length === 0) return sql`false`
  const type = sql.unsafe(columnOf(mapped.table, mapped.map.key).type)
  const [only, ...others] = named
  if (only && others.length === 0)
    return sql`(
      jobs.native_id = ${only.id}::text::${type} and (jobs.native_live or jobs.uuid = ${only.id}::text) and jobs.queue = ${only.queue}::text
    )`
  const ids = named.map(({ id }) => id)
  return sql`(
    (not jobs.native_live or jobs.native_id = any(${ids}::text[]::${type}[]))
    and (jobs.native_live or jobs.uuid = any(${ids}::text[]))
    and ((jobs.queue, jobs.native_id) in (
      select named.queue, named.id
      from rows from (unnest(${named.map(({ queue }) => queue)}::text[]), unnest(${ids}::text[]::${type}[])) as named (queue, id)
    )) is true
  )`
}

/** The jobs whose id a key, an expression, has, by the index of the key, or by that of the archive, which has it as a text. */
export function isNearKey({ map, table }: Mapped, key: string, row: string): string {
  const column = columnOf(table, map.key)
  const id = decodedPart(key, 'id')
  const native = isWhole(column)
    ? wholeNumber(id)
    : column.base === 'uuid'
      ? `case when ${id} ~ '${uuidPattern}' then (${id})::uuid end`
      : id
  return `(not ${row}.native_live or ${row}.native_id = ${native}) and (${row}.native_live or ${row}.uuid = ${id})`
}

/**
 * The keys of jobs that somebody names by the id alone. A key with a queue is looked up only where several rows may have it.
 * @param within the jobs that the caller may see
 * @throws Failure `not_supported` where several rows have it
 */
export async function readKeys(
  mapped: Mapped,
  sql: Sql,
  texts: readonly string[],
  within: TokenScope | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { keys, bare } = sortKeys(texts, (text) => parseKey(mapped, text))
  const mayBeTwice = uniqueBeside(mapped.table, mapped.map.key) !== undefined
  const named = mayBeTwice ? keysWithQueue([...keys.values()], (key) => parseKey(mapped, key)) : []
  const ids = [...new Set([...bare.values(), ...named.map(({ id }) => id)])]
  if (ids.length === 0) return keys
  const type = sql.unsafe(columnOf(mapped.table, mapped.map.key).type)
  const rows = await sql<{ id: string; key: string }[]>`
    select jobs.uuid as id, jobs.id as key
    from jobs
    where jobs.native_id = any(${ids}::text[]::${type}[]) ${isWithin(sql, within, sql`jobs`)}`
  if (mayBeTwice) refuseTwice(mapped, rows, { keys, bare })
  for (const { id, key } of rows) for (const [text, known] of bare) if (known === id) keys.set(text, key)
  return keys
}

/** Only reads come here: each change of such a table is refused before. */
function refuseTwice(
  { table }: Mapped,
  rows: readonly { id: string; key: string }[],
  { keys, bare }: ReturnType<typeof sortKeys>,
): void {
  const found = [
    ...[...keys].map(([text, key]) => [text, rows.filter((row) => row.key === key).length] as const),
    ...[...bare].map(([text, id]) => [text, rows.filter((row) => row.id === id).length] as const),
  ]
  const [text, count] = found.find((one) => one[1] > 1) ?? []
  if (text === undefined) return
  throw new Failure(
    'not_supported',
    `${count} jobs of ${table.relation} have the id ${text}, in partitions of their own, and a call by an id is about one job`,
    { hint: 'jobsctl list --sort created_at shows each of them' },
  )
}
