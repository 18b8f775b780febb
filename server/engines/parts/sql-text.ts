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
