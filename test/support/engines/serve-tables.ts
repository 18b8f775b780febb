import postgres from 'postgres'
import { expect } from 'vitest'
import { emptyDatabase } from '../database/database.ts'
import { type Answer, call } from '../http.ts'
import { startServer } from '../programs/built.ts'
import { runJobsctl } from '../programs/jobsctl.ts'
import { runServer } from '../programs/spawn-server.ts'
import { mapFile } from './mapped.ts'

/** A database with the tables of an engine, and the built server over it. */
export interface ServedTables {
  env: Record<string, string>
  /** As a superuser, past the server. */
  sql: postgres.Sql
  url: string
  get: (path: string, query?: Record<string, string>) => Promise<Answer>
  /** @param path after `/api/v1/jobs/` */
  post: (path: string, body: object) => Promise<Answer>
  jobsctl: (...argv: string[]) => ReturnType<typeof runJobsctl>
  close: () => Promise<void>
}

interface Options {
  /** The engine for whose jobs records are made; without it the server only looks. */
  records?: string
  env?: Record<string, string>
}

/**
 * Makes the tables of an engine in an empty database, and starts a server over them.
 * @param make makes and fills the tables
 */
export async function serveTables(
  make: (sql: postgres.Sql) => Promise<unknown>,
  { records, env: more }: Options = {},
): Promise<ServedTables> {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await make(sql)
  const env = { ...database.env, SINGLE_USER_API_KEY: 'key', ...more }
  if (records !== undefined)
    expect(await runServer(['migrate', '--engine', records], env)).toMatchObject({ code: 0, err: '' })
  const server = await startServer(env)
  await server.prepared
  const { url } = server
  const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
  return {
    ...{ env, sql, url },
    get: (path, query = {}) => {
      const search = new URLSearchParams(query).toString()
      return call({ url, headers, method: 'GET', path: search === '' ? path : `${path}?${search}` })
    },
    post: (path, body) => call({ url, headers, method: 'POST', path: `/api/v1/jobs/${path}`, body }),
    jobsctl: (...argv) => runJobsctl(argv, { env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' } }),
    async close() {
      await server.stop()
      await sql.end()
      await database.drop()
    },
  }
}

/**
 * The same over home-made tables, with records.
 * @param map the text of the map
 */
export const serveMapped = async (map: string, make: (sql: postgres.Sql) => Promise<unknown>): Promise<ServedTables> =>
  serveTables(make, { records: 'mapped', env: { JOBS_MAP_FILE: await mapFile(map) } })
