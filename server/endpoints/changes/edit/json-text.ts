import { type Fragment, type Sql, staticFragment } from '../../../database/sql.ts'
import type { JsonText } from '../../../engines/writes.ts'

/** What stands for a string and for another value while a text is read; JSON has neither outside of strings nor within them. */
const string = String.raw`\x01`
const value = String.raw`\x02`

/** A string that jsonb keeps: without NUL, and without halves of surrogate pairs. */
const strings = [
  String.raw`[^"\\\x01-\x1f]`,
  String.raw`\\["\\/bfnrt]`,
  String.raw`\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}`,
  String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`,
].join('|')
const scalars = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?|true|false|null`
const longNumber = String.raw`(?:\d{250}){4}`
const blanks = String.raw`[ \t\n\r]+`
const either = `[${string}${value}]`
/** A list or an object that has no other one within. */
const innermost = `\\[(?:${either}(?:,${either})*)?\\]|\\{(?:${string}:${either}(?:,${string}:${either})*)?\\}`
const deepest = 500

/** What JSON has that jsonb may not keep, beside long numbers; a text without it need not be looked at. */
const doubtful = String.raw`\\u(?:0000|[dD][89a-fA-F])|[eE][+-]?\d{5}`

/**
 * An SQL expression of type jsonb: the value of a text of JSON; null for another text, and for JSON that jsonb does not keep, such as \u0000. PostgreSQL
 * 15 has no cast that answers null: the text is reduced from the inside, a level a pass.
 */
export const readJsonText = (sql: Sql, { text, isJson }: JsonText): Fragment => {
  const document = sql.unsafe(text)
  return sql`case
    ${
      isJson
        ? sql`when (length(${document}) <= ${deepest}::int or length(${document}) - length(translate(${document}, '[{', '')) <= ${deepest}::int)
        and ${document} !~ ${doubtful}::text
        and (length(${document}) < 1000 or ${document} !~ ${longNumber}::text) then ${document}::jsonb`
        : sql``
    }
    when ${document} !~ ${`[${string}${value}]`}::text and exists (
      with recursive reduced (rest, passes) as (
        select regexp_replace(regexp_replace(bare, ${scalars}::text, chr(2), 'g'), ${blanks}::text, '', 'g'), 0
        from (select regexp_replace(${document}, ${`"(?:${strings})*"`}::text, chr(1), 'g') as bare offset 0) as outside
        where bare !~ ${longNumber}::text
        union all
        select next, passes + 1
        from reduced
        cross join lateral (select regexp_replace(rest, ${innermost}::text, chr(2), 'g') as next offset 0) as pass
        where next <> rest and passes < ${deepest}::int
      )
      select from reduced where rest in (chr(1), chr(2))
    ) then ${document}::jsonb
  end`
}

const blankCharacters = ' \t\n\r'
/** What follows a value within a list or an object. */
const endOfValue = String.raw`[],} \t\n\r]`

const token = String.raw`"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:," \t\n\r]+|[ \t\n\r]+`

/**
 * CTEs over `document (text, path, value)`, which has one row. `tokens` are the words of the JSON without blanks, each with its number `n`, where it
 * starts and how deep it lies; a bracket lies as deep as what it has. `steps` are the first tokens of the values on the path. `spot` is the container
 * of the value, the value, and the last token of it.
 */
const walk = staticFragment(
  (sql) => sql`
  tokens as materialized (
    select row_number() over (order by nth) as n, token, start, start + length(token) as until, level,
      lead(token) over (order by nth) as next
    from (
      select nth, found[1] as token, sum(length(found[1])) over so_far - length(found[1]) as start,
        sum(case when found[1] in ('{', '[') then 1 when found[1] in ('}', ']') then -1 else 0 end) over so_far
          + (found[1] in ('}', ']'))::int as level
      from document
      cross join regexp_matches(text, ${token}, 'g') with ordinality as words (found, nth)
      window so_far as (order by nth)
    ) as words
    where ascii(token) not in (9, 10, 13, 32)
  ),
  brackets as (
    select n, token, level, lead(n) over (partition by level order by n) as closed from tokens where token in ('{', '[', '}', ']')
  ),
  containers as materialized (
    select * from brackets where token in ('{', '[') and level <= (select cardinality(path) + 1 from document)
  ),
  steps (step, n) as (
    select 0, 1::bigint
    union all
    select step + 1, case container.token
      when '{' then (
        select key.n + 2 from tokens as key
        where key.n > container.n and key.n < container.closed and key.level = container.level
          and case when key.next = ':' then key.token::json #>> '{}' = path[step + 1] end
        limit 1
      )
      else (
        select item.n + 1 from tokens as item
        where item.n >= container.n and item.n < container.closed and item.level = container.level and item.token in ('[', ',')
        order by item.n
        offset path[step + 1]::int
        limit 1
      )
    end
    from document
    cross join steps
    join containers as container using (n)
    where step < cardinality(path)
  ),
  spot as (
    select container.n as opened, container.closed, at.n as value, coalesce(itself.closed, at.n) as value_last
    from document
    join steps as above on above.step = cardinality(path) - 1
    join containers as container on container.n = above.n
    left join steps as at on at.step = cardinality(path)
    left join containers as itself on itself.n = at.n
  )`,
)

/**
 * An SQL expression of type text: a text of JSON with another value at a path, with one more at the end of an object, or without one; every other
 * byte of it stays. The path must lead to a value, or to a key that its object does not have, and no key of it may stand twice.
 * @param before the text, an expression
 * @param path of type text[], an expression over `d.value`, the text as jsonb
 * @param json the text of the value, such an expression; undefined takes the value away
 */
export const editJsonText = (sql: Sql, before: Fragment, path: Fragment, json: Fragment | undefined): Fragment => sql`(
  select coalesce(${(json ? guessedPut : guessedTake)(sql)}, ${walked(sql, (json ? putValue : takenAway)(sql))})
  from (
    select text, d.value as document, ${path} as path, ${json ?? sql`null::text`} as value
    from (select text, text::jsonb as value from (select ${before} as text offset 0) as given offset 0) as d
    offset 0
  ) as edited
)`

/** An SQL expression over `edited (text, path, value)`: the text after the edit, which is read token by token. */
const walked = (sql: Sql, cuts: Fragment): Fragment => sql`(
  with recursive document as materialized (select edited.text, edited.path, edited.value),
  ${walk(sql)}
  select coalesce(left(text, start::int) || put || substr(text, until::int + 1), text)
  from document
  left join (spot cross join lateral (${cuts}) as cut) on true
)`

/** What programs write between a name and its value. */
const colons = [':', ': ', ' : ']

/** A join to `there (text, name, old)`: where the name with its value begins in the text, and where the value does; null where neither is found. */
const search = staticFragment(
  (sql) => sql`
    left join lateral (
      select strpos(text, name || colon || old) as opens, strpos(text, name || colon || old) + length(name || colon) as starts
      from unnest(${colons}::text[]) as colon
      where strpos(text, name || colon || old) > 0
      limit 1
    ) as found on true`,
)

/**
 * An SQL expression over `edited`, in an eighth of the time of `walked`: the text after the edit, found by a search. It is for a name that is
 * written with its value, and for one more value of the whole. Null where the outcome, as jsonb, is not what the edit asks for.
 *
 * The outcome is always JSON, which PostgreSQL 15 cannot ask without an error. What a search finds is a name, or the end of one, with a whole
 * value: a name that begins with a letter or a digit does not follow the end of a string. A number must end where the value ends.
 */
const guessedPut = staticFragment(
  (sql) => sql`(
    select case
      when put is not null and (document #> path)::text is distinct from value::jsonb::text
        and put::jsonb::text = jsonb_set(document, path, value::jsonb)::text
      then put
    end
    from (
      select edited.*, (text::json #> path)::text as old, to_json(path[cardinality(path)])::text as name,
        length(rtrim(left(rtrim(text, ${blankCharacters}::text), -1), ${blankCharacters}::text)) as body
      offset 0
    ) as there
    ${search(sql)}
    cross join lateral (
      select case
        when document #> path is null then case
          when cardinality(path) = 1 and jsonb_typeof(document) = 'object'
            then left(text, body) || case when document = '{}' then '' else ',' end || name || ':' || value || substr(text, body + 1)
        end
        when name ~ '^"[A-Za-z0-9_]' and substr(text, starts + length(old), 1) ~ ${endOfValue}::text
          then overlay(text placing value from starts for length(old))
      end as put
      offset 0
    ) as guess
  )`,
)

/**
 * The same for a value that is taken away. A quote that follows a brace or a comma is not one within a string, where a backslash is before it: the
 * name is a whole one. What follows is a comma or the end of the object.
 */
const guessedTake = staticFragment(
  (sql) => sql`(
    select case when put::jsonb::text = (document #- path)::text then put end
    from (
      select edited.*, (text::json #> path)::text as old, to_json(path[cardinality(path)])::text as name,
        ${blankCharacters}::text as blanks
      offset 0
    ) as there
    ${search(sql)}
    cross join lateral (
      select left(text, opens - 1) as head, rtrim(left(text, opens - 1), blanks) as above,
        substr(text, starts + length(old)) as rest, ltrim(substr(text, starts + length(old)), blanks) as below
      offset 0
    ) as parts
    cross join lateral (
      select case
        when old is null then text
        when name ~ '^"[A-Za-z0-9_]' and right(above, 1) in ('{', ',') then case
          when left(below, 1) = ',' then head || ltrim(substr(below, 2), blanks)
          when left(below, 1) = '}' then case right(above, 1) when ',' then left(above, -1) else head end || rest
        end
      end as put
      offset 0
    ) as guess
  )`,
)

/** A query of `(start, until, put)` over a row of `spot`: which characters of the text another text takes the place of. No row changes nothing. */
const putValue = staticFragment(
  (sql) => sql`
    select first.start, last.until, document.value as put
    from document
    cross join tokens as first
    join tokens as last on last.n = spot.value_last
    where first.n = spot.value
    union all
    select until, until, case when n > spot.opened then ',' else '' end || to_json(path[cardinality(path)])::text || ':' || document.value
    from document
    cross join tokens
    where spot.value is null and n = spot.closed - 1`,
)

/** A query as of `putValue`: a comma goes with the value, the one after it where there is one. */
const takenAway = staticFragment(
  (sql) => sql`
    select
      case when following.token <> ',' and preceding.token = ',' then preceding.start else key.start end as start,
      case when following.token = ',' then after.start else last.until end as until,
      '' as put
    from tokens as key
    join tokens as preceding on preceding.n = key.n - 1
    join tokens as last on last.n = spot.value_last
    join tokens as following on following.n = last.n + 1
    left join tokens as after on after.n = following.n + 1
    where key.n = spot.value - 2`,
)

/**
 * An SQL condition: a name on a path stands twice in its object, so that readers differ in which one they take.
 * @param text the text of JSON, an expression
 * @param document the same as jsonb
 */
export const hasRepeatedName = (
  sql: Sql,
  text: Fragment,
  document: Fragment,
  path: readonly string[],
): Fragment => sql`exists (
  select from unnest(${[...path]}::text[]) with ordinality as names (name, nth)
  where case
    when jsonb_typeof(${document} #> (${[...path]}::text[])[:nth - 1]) = 'object'
      then (select count(*) from json_object_keys(${text}::json #> (${[...path]}::text[])[:nth - 1]) as key where key = name) > 1
  end
)`
