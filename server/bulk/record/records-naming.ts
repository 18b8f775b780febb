import type { NamedIn } from '../../../shared/changes/erase.ts'
import type { Sql } from '../../database/sql.ts'

const mostNamed = 100
const isWordCharacter = /[\p{L}\p{N}]/u

/** A value as a regular expression, for JavaScript and for PostgreSQL: every character but letters and digits is escaped. */
const literal = (value: string): string =>
  [...value].map((character) => (isWordCharacter.test(character) ? character : `\\${character}`)).join('')

/** True where the text has one of the values, in any case, and not within a longer word. */
export const mentions = (text: string, values: readonly string[]): boolean =>
  values.some((value) => {
    const [whole, part] = [text.toLowerCase(), value.toLowerCase()]
    for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
      const [before, after] = [[...whole.slice(0, at)].at(-1), [...whole.slice(at + part.length)][0]]
      if (![before, after].some((one) => one !== undefined && isWordCharacter.test(one))) return true
    }
    return false
  })

/** A regular expression of PostgreSQL for one of the values, not within a longer word. */
export const wordPattern = (values: readonly string[]): string =>
  `(^|[^[:alnum:]])(${[...new Set(values)].map(literal).join('|')})($|[^[:alnum:]])`

/** The records whose text has one of the values, in any case, and not within a longer word. */
export async function recordsNaming(sql: Sql, values: readonly string[]): Promise<NamedIn> {
  if (values.length === 0) return { count: 0, operations: [] }
  // The filters of a record are JSON, in which quotes and backslashes of a value are escaped.
  const pattern = wordPattern(values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]))
  const [row] = await sql<[NamedIn]>`
    with naming as (
      select id
      from job_operations
      where concat_ws(' ', filters::text, caller, reason, request_id, idempotency_key, error, answer::text) ~* ${pattern}::text
    )
    select
      count(*) as count,
      coalesce((select jsonb_agg(id order by id) from (select id from naming order by id limit ${mostNamed}) as first), '[]') as operations
    from naming`
  return row
}
