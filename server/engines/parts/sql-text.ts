/** The characters of the part of a key that it has percent-encoded, for a regular expression of PostgreSQL: those of `keyText`. */
const encoded = String.raw`[%/\u0001-\u001f\u007f-\u009f]`

/**
 * An SQL expression: a text as a part of a key, as `keyText` encodes it. Few names have anything to encode. The planner expects ten rows of an
 * array and a thousand of a function: for that cost it would sort rows where it should hash them.
 */
export const encodedPart = (name: string): string => `case when ${name} !~ '${encoded}' then ${name} else (
  select pg_catalog.string_agg(
    case when part !~ '${encoded}' then part
      else pg_catalog.regexp_replace(pg_catalog.upper(pg_catalog.encode(pg_catalog.convert_to(part, 'UTF8'), 'hex')), '(..)', '%\\1', 'g') end,
    '' order by place
  )
  from pg_catalog.unnest(pg_catalog.regexp_split_to_array(${name}, '')) with ordinality as parts (part, place)
) end`

/**
 * An SQL expression: the queue or the id that `keyText` has encoded in a key, an expression. The collation of the key is "C", with which no comparison
 * uses an index of the engine; a text that comes out of jsonb has none of its own, and takes that of the column.
 */
export function decodedPart(key: string, part: 'queue' | 'id'): string {
  const text = `pg_catalog.split_part(${key}, '/', ${part === 'queue' ? 1 : 2})`
  const decoded = `pg_catalog.convert_from(case when pg_catalog.strpos(${text}, '%') = 0 then pg_catalog.convert_to(${text}, 'UTF8') else (
    select pg_catalog.string_agg(
      case when pg_catalog.left(piece, 1) = '%'
        then pg_catalog.decode(pg_catalog.substr(piece, 2, 2), 'hex') || pg_catalog.convert_to(pg_catalog.substr(piece, 4), 'UTF8')
        else pg_catalog.convert_to(piece, 'UTF8') end,
      '' order by place
    )
    from pg_catalog.unnest(pg_catalog.regexp_split_to_array(${text}, '(?=%)')) with ordinality as pieces (piece, place)
  ) end, 'UTF8')`
  return `(pg_catalog.to_jsonb(${decoded}) #>> '{}')`
}

/** An SQL expression of type bigint: the number in a text, or the nearest one of the type; null for another text. */
export const wholeNumber = (text: string): string =>
  `case when ${text} ~ '^-?[0-9]{1,19}$' then greatest(least((${text})::numeric, 9223372036854775807), -9223372036854775808)::bigint end`

/** A text of the form of a uuid, for a regular expression of PostgreSQL. */
export const uuidPattern = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/** A text as a literal of SQL. */
export const quotedText = (text: string): string => {
  const quoted = text.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

/**
 * An SQL expression: a time to which a span of up to 10,000 years may be added, and from which one of a year may be taken. Without it one odd row, such
 * as one that waits until the last year of PostgreSQL, would end every list that has it.
 */
export const boundedTime = (time: string): string => `case
  when ${time} > timestamptz '280000-01-01 00:00:00+00' then timestamptz '280000-01-01 00:00:00+00'
  when ${time} < timestamptz '0001-01-01 00:00:00+00' then timestamptz '0001-01-01 00:00:00+00'
  else ${time}
end`
