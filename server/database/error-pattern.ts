import { Failure } from '../../shared/errors.ts'
import { namesOf } from './connection/schema-names.ts'
import { type Fragment, type Sql, staticFragment } from './sql.ts'

/**
 * The version of the rules in this file. Ids of clusters begin with it. A change of the rules must raise the version, because
 * the id of a cluster must not come to mean other jobs.
 */
const rulesVersion = 2

/** Longer messages are cut here before they are folded, in characters. */
export const mostCharacters = 1000

/** What in a message tells one failure from another of the same cause, and what stands in its place. In this order. */
const foldings: readonly (readonly [what: string, expression: string, replacement: string])[] = [
  ['quoted text', String.raw`"[^"]*"|${'`[^`]*`'}|(?<!\w)'[^']*'(?!\w)`, '<text>'],
  [
    'addresses: URLs, mail, IPv6',
    String.raw`[A-Za-z][A-Za-z0-9+.-]*://[^[:space:]"<>]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|\m(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}\M`,
    '<address>',
  ],
  ['paths', String.raw`(?<![\w<])(?:[A-Za-z]:)?[~.]*[/\\][\w.@%+~:/\\-]+|[\w.@+~-]+(?:[/\\][\w.@+~-]+){2,}`, '<path>'],
  [
    'UUIDs and hexadecimal numbers',
    String.raw`\m(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-fA-F]{7,})\M`,
    '#',
  ],
  [
    'ids with a prefix, which stays: `ch_3MtwBwLkdIwHu7ix28a3tqPa`',
    String.raw`\m([A-Za-z]+(?:_[A-Za-z]+)*)_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{8,}\M`,
    String.raw`\1_#`,
  ],
  [
    'random ids in base 62, which have letters of both cases and digits',
    String.raw`\m(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{16,}\M`,
    '#',
  ],
  ['numbers, times, versions, IPv4', '[0-9]+(?:[.,:][0-9]+)*', '#'],
]

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A message with what varies folded: `<text>`, `<address>`, `<path>` and `#`. The collation makes it the same everywhere. */
const folded = (sql: Sql, message: Fragment): Fragment =>
  foldings.reduce(
    (text, [, expression, replacement]) =>
      sql`regexp_replace(${text}, ${sql.unsafe(literal(expression))}, ${sql.unsafe(literal(replacement))}, 'g')`,
    sql`(${message}) collate "C"`,
  )

/** The pattern of a message: folded, without white space around it. */
export const patternOf = (sql: Sql, message: Fragment): Fragment => sql`btrim(${folded(sql, message)}, E' \\t\\r\\n')`

/** An SQL condition on `jobs`: true for a queued job that has failed before. `own` says so of our own jobs. */
export const isRetrying = (sql: Sql, own: Fragment): Fragment => namesOf(sql)?.jobs?.isRetrying?.(sql) ?? own

/** An SQL condition on `jobs`: true for a job that failed, is in quarantine, or waits for another attempt after a failure. */
export const isFailure = staticFragment(
  (sql) =>
    sql`(jobs.status in ('failed', 'quarantined') or ${isRetrying(sql, sql`jobs.status = 'queued' and jobs.retry_count > 0`)})`,
)

/** The state of a failure in a cluster: `failed`, `quarantined` or `retrying`. */
export const failureState = staticFragment(
  (sql) => sql`case jobs.status when 'queued' then 'retrying' else jobs.status end`,
)

/** The code of a failure; empty where it has none. */
export const failureCode = staticFragment((sql) => sql`coalesce(jobs.error_code, jobs.failure_streak_code, '')`)

/** The message of a failure, cut: of a job that waits for another attempt the error of the last attempt. */
export const failureMessage = staticFragment(
  (sql) => sql`left(
    case jobs.status
      when 'queued' then coalesce(jobs.last_error, jobs.error_message, '')
      else coalesce(jobs.error_message, jobs.last_error, '')
    end,
    ${sql.unsafe(String(mostCharacters))}
  )`,
)

interface Cause {
  state: Fragment
  code: Fragment
  pattern: Fragment
}

/** The 12 hexadecimal digits of a cluster. */
export const clusterDigits = (sql: Sql, { state, code, pattern }: Cause): Fragment => sql`
  left(encode(sha256(convert_to(${state} || chr(31) || ${code} || chr(31) || ${pattern}, 'UTF8')), 'hex'), 12)`

const prefix = `v${rulesVersion}-`

/** The id of the cluster with these 12 hexadecimal digits. */
export const clusterId = (digits: string): string => `${prefix}${digits}`

/** False for the id of a cluster whose pattern this server cannot make. */
export const hasKnownRules = (cluster: string): boolean => cluster.startsWith(prefix)

/**
 * Refuses a cluster whose pattern this server cannot make.
 * @throws Failure `conflict` for the id of a cluster that was made by other rules
 */
export function requireKnownRules(cluster: string | undefined): void {
  if (cluster === undefined || hasKnownRules(cluster)) return
  throw new Failure(
    'conflict',
    `the cluster ${cluster} is of rules that this server does not have; nothing was changed`,
    {
      hint: 'GET /api/v1/jobs/clusters has the ids of this server',
    },
  )
}

/**
 * The 12 digits of the id of a cluster.
 * @throws Failure `conflict` for an id that was made by other rules
 */
export function digitsOf(cluster: string): string {
  requireKnownRules(cluster)
  return cluster.slice(prefix.length)
}

/**
 * An SQL condition on `jobs`: true for a job of the cluster with this id.
 * @throws Failure `conflict` for the id of a cluster that was made by other rules
 */
export function isInCluster(sql: Sql, cluster: string): Fragment {
  const wanted = digitsOf(cluster)
  const state = failureState(sql)
  const digits = clusterDigits(sql, { state, code: failureCode(sql), pattern: patternOf(sql, failureMessage(sql)) })
  // A case, because the patterns of all other jobs would be made, too.
  return sql`case when ${isFailure(sql)} then ${digits} = ${wanted}::text else false end`
}
