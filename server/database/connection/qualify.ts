/**
 * Names of functions of the catalog that have a meaning of their own before a parenthesis, where `pg_catalog` would break it:
 * words of SQL's grammar, and types with a length or a precision.
 */
const grammar = new Set(
  `extract like overlay position substring trim
  bit bpchar char interval numeric time timestamp timestamptz timetz varbit varchar`.split(/\s+/),
)

/** What names of a statement are rewritten to. */
export interface Names {
  /** The schema of our tables, as a quoted name such as `"public"`. */
  schema: string
  /** Every table that migrations make or share with other programs, temporary ones excepted. */
  tables: ReadonlySet<string>
  /** All functions of `pg_catalog`. */
  functions: ReadonlySet<string>
}

/**
 * The parts of SQL that decide which object a name means. Strings, quoted names, comments and bodies in dollar quotes are
 * matched first, so that nothing inside of them is taken for a name.
 */
const lexer = new RegExp(
  [
    String.raw`'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?<tag>[a-z_]*)\$[\s\S]*?\$\k<tag>\$|--[^\n]*`,
    String.raw`(?<lookup>(?<![.\w])to_reg(?:class|proc)\()(?!'pg_temp)`,
    String.raw`(?<before>\b(?:from|join|into|update|table(?:\s+if\s+(?:not\s+)?exists)?|only|on|using|like|truncate|analyze|vacuum(?:\s+\([^)]*\))?)\s+|::)(?<table>(?!(?:only|on)\b)[a-z_]\w*)\b(?![.(])`,
    String.raw`(?<own>(?<![.\w"])jobsctl_\w+(?=\())`,
    String.raw`(?<called>(?<![.\w"])[a-z_][a-z_0-9]*(?=\())`,
  ].join('|'),
  'gi',
)

/**
 * Writes the schema into a part of a statement: our tables and functions get `schema`, and functions of the catalog get
 * `pg_catalog`. Without them the search path of the session decides, in which another role may have put a table, or a
 * function that fits the arguments better than the one of the catalog.
 * @param text SQL, or a part of it between two parameters
 */
export const qualified = (text: string, { schema, tables, functions }: Names): string =>
  text.replaceAll(lexer, (match, ...rest) => {
    const { lookup, before, table, own, called } = groupsOf(rest)
    if (lookup) return `pg_catalog.${lookup}'${schema.replaceAll("'", "''")}.' || `
    if (before && table) return tables.has(table) ? `${before}${schema}.${table}` : match
    if (own) return `${schema}.${own}`
    if (called && functions.has(called) && !grammar.has(called)) return `pg_catalog.${called}`
    return match
  })

/** What `replaceAll` hands over last: the named groups. */
const groupsOf = (rest: unknown[]): Record<string, string | undefined> => Object.assign({}, rest.at(-1))
