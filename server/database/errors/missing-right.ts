import * as z from 'zod'
import { tableRights } from '../rights/table-rights.ts'

/** The driver of the build adds the role of the session, and the statement is the one that PostgreSQL refused. */
const Denied = z.object({
  code: z.literal('42501'),
  message: z.string(),
  role: z.string().optional(),
  query: z.string().optional(),
})

/** A right that the role of the server lacks. */
export interface MissingRight {
  /** What PostgreSQL says, such as `permission denied for sequence jobs_id_seq`. */
  why: string
  /** What helps, as a clause with SQL that can be pasted, or with the command that prints it. */
  remedy: string
}

/** The rights of each kind of object that calls may need, without those of the tables that the server knows. */
const rightsOf: Readonly<Record<string, string>> = {
  table: 'select, insert, update, delete',
  view: 'select, insert, update, delete',
  relation: 'select, insert, update, delete',
  sequence: 'usage, update',
  schema: 'usage',
  function: 'execute',
  procedure: 'execute',
  type: 'usage',
  language: 'usage',
  database: 'connect',
}

const ofObject = /^permission denied for (?:materialized |foreign |event )?(\w+) (.+)$/
const schemaOfOurs = /\b(?:from|join|into|update)\s+((?:"(?:[^"]|"")+"|\w+)\.)(?:jobs|job_\w+|jobsctl_\w+)\b/

/** Undefined for any other error. The words of PostgreSQL may be in another language, and then name the object in it. */
export function missingRight(error: unknown): MissingRight | undefined {
  const { data } = Denied.safeParse(error)
  if (!data) return undefined
  const { message, role, query } = data
  const to = quoted(role ?? 'role of the server')
  const [, kind = '', name = ''] = ofObject.exec(message) ?? []
  const rights = kind === 'table' ? tableRights[name]?.join(', ') || rightsOf.table : rightsOf[kind]
  if (rights === undefined)
    return { why: message, remedy: `the owner of the tables gives the rights: jobs-server grants --role ${to} | psql` }
  // Which rights a table of another engine needs, and its schema, the adapter of the engine knows.
  if (kind === 'table' && !tableRights[name] && isNamedWithSchema(query ?? '', name))
    return { why: message, remedy: 'its owner gives the rights that jobsctl doctor names' }
  // PostgreSQL tells no schema. Tables of ours have the one of the statement, and their sequences are beside them.
  const isOurs = Object.keys(tableRights).some(
    (table) => name === table || (kind === 'sequence' && name.startsWith(table)),
  )
  const schema = isOurs && kind !== 'schema' ? (schemaOfOurs.exec(query ?? '')?.[1] ?? '') : ''
  const of = kind === 'view' || kind === 'relation' ? 'table' : kind
  return { why: message, remedy: `its owner gives it: grant ${rights} on ${of} ${schema}${quoted(name)} to ${to}` }
}

/** Statements name tables of ours without a schema until they are sent, and those of another engine always with its schema. */
const isNamedWithSchema = (query: string, name: string): boolean =>
  [`.${name}`, `.${quoted(name)}`].some((named) => query.includes(named))

/** A name as SQL needs it. */
const quoted = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)
