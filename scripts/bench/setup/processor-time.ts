import { readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'
import { quotedText } from '../../../server/engines/parts/sql-text.ts'
import type { Captured } from './capture.ts'

/** A statement that one session has prepared. */
export interface Prepared {
  /** Runs it so often, each time in a transaction of its own. Returns the processor time of the session for it, in milliseconds. */
  run: (times: number) => Promise<number>
}

/**
 * Prepares a statement in the session of `sql`, with the settings of the sessions of the server.
 * @param sql one connection
 * @throws Error where the system tells no processor time of a process: it is read from `/proc`, which Linux alone has
 */
export async function prepare(sql: Sql, name: string, { text, parameters }: Captured): Promise<Prepared> {
  await sql.unsafe(
    'set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off; set timezone = utc',
  )
  const values: string[] = []
  const numbered = text.replaceAll(/\$(\d+)/g, (_, number: string) => {
    const value = parameters[Number(number) - 1] ?? null
    // PostgreSQL finds the type of a parameter in the statement. That of a null it may have had from the driver.
    return value === null ? 'null' : `$${values.push(quotedText(value))}`
  })
  await sql.unsafe(`prepare ${name} as ${numbered}`)
  const execute = `execute ${name}(${values.join(', ')})`
  const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`
  return {
    async run(times) {
      const before = await processorTime(pid)
      for (let time = 0; time < times; time++) await sql.unsafe(execute)
      return (await processorTime(pid)) - before
    },
  }
}

/** How long a process has run on a processor, in milliseconds: the first number of `schedstat` is in nanoseconds. */
async function processorTime(pid: number): Promise<number> {
  const [nanoseconds] = (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')
  return Number(nanoseconds) / 1e6
}
