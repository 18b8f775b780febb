import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres, { type Sql } from 'postgres'
import { type BenchServer, startServer } from './setup/servers.ts'
import { untilPrepared } from './setup/until-prepared.ts'

/** The context of a run: figures create databases and start servers through it. */
export interface Bench {
  /** The number of rows of each large table. */
  rows: number
  /** A folder for files of figures. The run removes it at its end. */
  folder: string
  /** Paths of the built programs, copied when the run began. */
  programs: { jobsctl: string; server: string }
  /** Returns the URL of a database, whether or not the database exists. */
  urlOf: (database: string) => string
  /**
   * Opens one connection with the default settings of the driver and of PostgreSQL, as psql does. The run closes it.
   */
  sqlOf: (database: string) => Sql
  /** Creates an empty database, or a copy of `template`, to which no session may be connected. */
  create: (database: string, template?: string) => Promise<void>
  /** Drops a database and ends the sessions that are connected to it. */
  drop: (database: string) => Promise<void>
  /**
   * Starts a server on a database. Resolves when the server has made its tables, indexes and counts, or when `until` does in their place: a
   * server for the jobs of an engine makes none.
   */
  serve: (database: string, env?: Record<string, string>, until?: () => Promise<void>) => Promise<BenchServer>
  /** Returns the servers that run at the moment. */
  running: () => readonly BenchServer[]
  /** Prints a line of progress. */
  logProgress: (message: string) => void
  close: () => Promise<void>
}

interface Options {
  rows: number
  folder: string
  /** The URL of the PostgreSQL server. */
  url: string
  logProgress: (message: string) => void
}

const built = fileURLToPath(new URL('../../dist', import.meta.url))

/** Creates the context of a run on the PostgreSQL server at `url`. */
export async function createBench({ rows, folder, url, logProgress }: Options): Promise<Bench> {
  // The run measures a copy of dist/, so that a build during the run does not change the programs.
  const installed = join(folder, 'installed')
  await cp(built, installed, { recursive: true })
  await cp(join(built, '..', 'package.json'), join(folder, 'package.json'))
  const programs = { jobsctl: join(installed, 'cli/bin.js'), server: join(installed, 'server/main.js') }
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  const urlOf = (database: string) => Object.assign(new URL(url), { pathname: `/${database}` }).href
  const connections: Sql[] = [admin]
  const running = new Set<BenchServer>()

  const untilIndexed = (database: string) => untilPrepared(urlOf(database), programs.server)
  const serve: Bench['serve'] = async (database, env, until = () => untilIndexed(database)) => {
    const server = await startServer({
      ...{ program: programs.server, folder, dbUrl: urlOf(database), logProgress },
      untilPrepared: until,
      ...(env && { env }),
    })
    const stop = async () => {
      running.delete(handle)
      await server.stop()
    }
    const handle = { ...server, stop }
    running.add(handle)
    return handle
  }

  return {
    ...{ rows, folder, programs, urlOf, serve, logProgress },
    running: () => [...running],
    sqlOf(database) {
      const sql = postgres(urlOf(database), { max: 1, onnotice: () => {} })
      connections.push(sql)
      return sql
    },
    async create(database, template = 'template1') {
      await admin`create database ${admin(database)} template ${admin(template)} strategy file_copy`
    },
    async drop(database) {
      await admin`drop database ${admin(database)} with (force)`
    },
    async close() {
      await Promise.all([...running].map((server) => server.stop()))
      await Promise.all(connections.map((sql) => sql.end({ timeout: 1 })))
    },
  }
}
