import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'

/** A statement as the server sent it. */
export interface Captured {
  text: string
  /** In order; null where it is null. */
  parameters: (string | null)[]
}

/** Where the throwaway PostgreSQL writes its log, seen from its data. */
const logFile = '../log'

/**
 * What a call to a server sends to the database: its one statement that writes an event. The database must log all
 * statements (`log_min_duration_statement`).
 * @throws Error when there is none, or more than one
 */
export async function capture(sql: Sql, call: () => Promise<unknown>): Promise<Captured> {
  const [{ size }] = await sql<[{ size: string }]>`select size::text from pg_stat_file(${logFile})`
  await call()
  await wait(200)
  const [{ log }] = await sql<[{ log: string }]>`
    select pg_read_file(${logFile}, ${size}::text::bigint, 10000000) as log`
  const found = executed(log).filter(({ text }) => text.includes('insert into job_events'))
  const [statement] = found
  if (!statement || found.length > 1) throw new Error(`a call sent ${found.length} statements that write an event`)
  return statement
}

/** An entry begins with a time, and what it goes on with is indented. */
function executed(log: string): Captured[] {
  const entries = log.split(/^(?=\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )/m)
  return entries.flatMap((entry, at) => {
    const text = /LOG: {2}duration: \S+ ms {2}execute [^:]+: (.*)/s.exec(entry)?.[1]
    const detail = /DETAIL: {2}parameters: (.*)/s.exec(entries[at + 1] ?? '')?.[1]
    return text === undefined || detail === undefined ? [] : [{ text, parameters: parametersOf(detail) }]
  })
}

const parametersOf = (detail: string): (string | null)[] =>
  [...detail.matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)].map(([, value]) => value?.replaceAll("''", "'") ?? null)
