import type { Fragment, Sql } from '../sql.ts'

/**
 * Names of functions of the catalog that have a meaning of their own before a parenthesis, where `pg_catalog` would break it:
 * words of SQL's grammar, and types with a length or a precision.
 */
const grammar = new Set(
  `extract like overlay position substring trim
  bit bpchar char interval numeric time timestamp timestamptz timetz varbit varchar`.split(/\s+/),
)

/** What stands in place of a table, where it is not one of our tables in our schema. */
export interface Source {
  /** A query in parentheses that has the rows of the table, with its columns. */
  query: string
  /** The relation behind the query, such as `"pgboss".job`; undefined where no single relation is. */
  relation?: string | undefined
}

/** How statements compare jobs of another engine, so that its indexes serve them. Each is an expression over `jobs`. */
export interface ForeignJobs {
  /** True for jobs with these keys, which name their queues. */
  hasKey: (sql: Sql, keys: readonly string[]) => Fragment
  /**
   * An SQL condition on a row of jobs or of their archive by what an index has: true for the job with a key, and for few others. Absent where no index
   * serves it.
   * @param key an expression
   * @param row the alias of the row
   */
  isNearKey?: (key: string, row: string) => string
  /** True for jobs in one of these states of ours. */
  hasState: (sql: Sql, states: readonly string[]) => Fragment
  /** True for jobs that wait for another attempt after a failure; where it is missing, for queued jobs with a retry. */
  isRetrying?: (sql: Sql) => Fragment
  /** The time at which a job has ended; null for one that has not. */
  endedAt: (sql: Sql) => Fragment
  /** True where no job can lack the time of its creation, so that lists do not make this time of every job to look for such jobs. */
  alwaysCreated?: true
  /** The column with the partition of a job, and the table of the partitions. Absent where the engine alone makes partitions, with no older jobs. */
  part?: { column: string; of: string }
  /** Absent where the engine writes no row of a job without changing the job. */
  rewritten?: RewrittenJobs
}

/** Rows that an engine writes again although the job stays the same, so that `xmin` alone would count the job as changed. */
interface RewrittenJobs {
  /** True for the few jobs whose rows the engine may write again. */
  mayBe: (sql: Sql) => Fragment
  /** A short text of `[.\w]` that differs once the job has changed. */
  fingerprint: (sql: Sql) => Fragment
}

/** What names of a statement are rewritten to. */
export interface Names {
  /** The schema of our tables, as a quoted name such as `"public"`. */
  schema: string
  /** Every table that migrations make or share with other programs, temporary ones excepted. */
  tables: ReadonlySet<string>
  /** All functions of `pg_catalog`. */
  functions: ReadonlySet<string>
  /** Tables that are read from elsewhere, and that no statement may write. Empty where the jobs are our own. */
  sources: ReadonlyMap<string, Source>
  /**
   * The type of the id of a job, which statements call `job_id`. Tables of ours have a column of each type beside the other, `job_id` and
   * `job_key`; statements call the one that is used `job_ref`.
   */
  jobId: 'bigint' | 'text'
  /** How statements compare jobs of another engine; undefined where the jobs are our own. */
  jobs?: ForeignJobs
  /** The place whose jobs statements are about; undefined where the jobs are our own, or of several places. */
  place?: NamedPlace | undefined
}

/**
 * One of the tables in which other engines keep their jobs. Keys are unique in it alone. What is kept of a job says whose it is by this table: a
 * domain is a setting, and may be that of another table by now. The archives of engines have the schema and the table, too.
 */
export interface NamedPlace {
  /** With its schema, as quoted names. */
  table: string
  /** The domain that its jobs have now. */
  domain: string
  /** The domains of all tables that the server serves, this one among them. */
  served: readonly string[]
  /** These tables. */
  servedTables: readonly string[]
}

/** A statement would write to a table of which there is only a source. It was not sent. */
export class WriteOfSource extends Error {
  /** @param form the words before the table, such as `update` */
  constructor(form: string, table: string) {
    super(`the statement has "${form} ${table}", and ${table} can only be read here`)
  }
}

/**
 * The parts of SQL that decide which object a name means. Strings, quoted names, comments and bodies in dollar quotes are
 * matched first, so that nothing inside of them is taken for a name. A word after `as` is the name of a column.
 */
const lexer = new RegExp(
  [
    String.raw`'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?<tag>[a-z_]*)\$[\s\S]*?\$\k<tag>\$|--[^\n]*`,
    String.raw`(?<lookup>(?<![.\w])to_reg(?:class|proc)\((?!'pg_temp))(?:'(?<named>\w+)')?`,
    String.raw`(?<ref>(?<![\w"])job_ref\b)`,
    String.raw`(?<before>(?<!\bas\s+)\b(?:delete\s+from|from|join|into|update|table(?:\s+if\s+(?:not\s+)?exists)?|only|on|using|like|truncate(?:\s+table)?|analyze|vacuum(?:\s+\([^)]*\))?)\s+|::)(?<table>(?!(?:only|on|job_ref)\b)[a-z_]\w*)\b(?![.(])`,
    String.raw`(?<own>(?<![.\w"])jobsctl_\w+(?=\())`,
    String.raw`(?<called>(?<![.\w"])[a-z_][a-z_0-9]*(?=\())`,
  ].join('|'),
  'gi',
)

/** Words that may follow a table and are no alias of it. */
const afterTable =
  /^\s+(?:where|on|using|join|left|right|inner|full|cross|natural|order|group|having|limit|offset|for|union|except|intersect|window|fetch)\b/i
const alias = /^\s+(?:as\s+)?[a-z_]\w*/i

/**
 * Writes the schema into a part of a statement: our tables and functions get `schema`, and functions of the catalog get
 * `pg_catalog`. Without them the search path of the session decides, in which another role may have put a table, or a
 * function that fits the arguments better than the one of the catalog. A table that has a source is read from it; its alias stands in the
 * same part.
 * @param text SQL, or a part of it between two parameters
 * @throws WriteOfSource for a part that names a table with a source and does not only read it
 */
export function qualified(text: string, names: Names): string {
  const { schema, tables, functions, sources, jobId } = names
  return text.replaceAll(lexer, (match, ...rest) => {
    const { lookup, named, ref, before, table, own, called } = groupsOf(rest)
    if (lookup) return `pg_catalog.${lookup}${relationOf(named, names)}`
    if (ref) return jobId === 'text' ? 'job_key' : 'job_id'
    if (before === '::' && table === 'job_id') return `::${jobId}`
    if (before && table) {
      const source = sources.get(table)
      if (source) return readFrom(source, { before, table, after: textAfter(match, rest) })
      return tables.has(table) ? `${before}${schema}.${table}` : match
    }
    if (own) return `${schema}.${own}`
    if (called && functions.has(called) && !grammar.has(called)) return `pg_catalog.${called}`
    return match
  })
}

/** The argument of `to_regclass`: null for a table of which there is only a source without a relation. */
function relationOf(named: string | undefined, { schema, sources }: Names): string {
  const prefix = `'${schema.replaceAll("'", "''")}.' || `
  if (named === undefined) return prefix
  const source = sources.get(named)
  if (!source) return `${prefix}'${named}'`
  return source.relation === undefined ? 'null::text' : `'${source.relation.replaceAll("'", "''")}'`
}

interface Named {
  before: string
  table: string
  after: string
}

const wordsOf = (before: string): string => before.trim().replace(/\s+/g, ' ').toLowerCase()
const isRead = (before: string): boolean => ['from', 'join'].includes(wordsOf(before))

function readFrom({ query }: Source, { before, table, after }: Named): string {
  if (!isRead(before)) throw new WriteOfSource(wordsOf(before), table)
  const hasAlias = alias.test(after) && !afterTable.test(after)
  return `${before}${query}${hasAlias ? '' : ` as ${table}`}`
}

/** What `replaceAll` hands over last: the place of the match, the text, and the named groups. */
const groupsOf = (rest: unknown[]): Record<string, string | undefined> => Object.assign({}, rest.at(-1))
const textAfter = (match: string, rest: unknown[]): string => {
  const [at, text] = rest.slice(-3)
  return String(text).slice(Number(at) + match.length)
}
