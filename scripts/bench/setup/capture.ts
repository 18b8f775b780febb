import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'

/** A statement as the server sent it to PostgreSQL. */
export interface Captured {
  text: string
  /** The texts of the parameters, in order; null for an SQL null. */
  parameters: (string | null)[]
}

/** The log of the throwaway PostgreSQL, relative to its data directory. */
const logFile = '../log'

/**
 * Runs a call and returns the one statement that it sends and that writes a job event, read from the log of PostgreSQL.
 * The database must log all statements (`log_min_duration_statement = 0`).
 * @throws Error when the call sends no such statement, or more than one
 */
export async function capture(sql: Sql, call: () => Promise<unknown>): Promise<Captured> {
  const [{ size }] = await sql<[{ size: string }]>`select size::text from pg_stat_file(${logFile})`
  await call()
  await wait(200)
  const [{ log }] = await sql<[{ log: string }]>`
    select pg_read_file(${logFile}, ${size}::text::bigint, 10000000) as log`
  const found = parseLog(log).filter(({ text }) => /insert into (\S+\.)?job_events\b/.test(text))
  const [statement] = found
  if (!statement || found.length > 1)
    throw new Error(`the call sent ${found.length} statements that write a job event, not 1`)
  return statement
}

/** Returns the executed statements. A log entry begins with a timestamp, and its further lines are indented. */
function parseLog(log: string): Captured[] {
  const entries = log.split(/^(?=\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )/m)
  return entries.flatMap((entry, at) => {
    const text = /LOG: {2}duration: \S+ ms {2}execute [^:]+: (.*)/s.exec(entry)?.[1]
    const detail = /DETAIL: {2}parameters: (.*)/s.exec(entries[at + 1] ?? '')?.[1]
    return text === undefined || detail === undefined ? [] : [{ text, parameters: parametersOf(detail) }]
  })
}

const parametersOf = (detail: string): (string | null)[] =>
  [...detail.matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)].map(([, value]) => value?.replaceAll("''", "'") ?? null)
