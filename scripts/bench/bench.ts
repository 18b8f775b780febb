import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres, { type Sql } from 'postgres'
import { untilPrepared } from './stage/prepared.ts'
import { type BenchServer, startServer } from './stage/servers.ts'

/** What figures are measured with. */
export interface Bench {
  /** Rows of the large tables. */
  rows: number
  /** For what a figure leaves behind until the end of the run. */
  folder: string
  /** The built programs, as they were when the run began. */
  programs: { jobsctl: string; server: string }
  /** The address of a database, which need not be there. */
  urlOf: (database: string) => string
  /** A plain connection with the driver's and PostgreSQL's default settings, as psql has one. It ends with the run. */
  sqlOf: (database: string) => Sql
  /** An empty database, or a copy of one that nobody is connected to. */
  create: (database: string, template?: string) => Promise<void>
  /** Nobody may be connected. */
  drop: (database: string) => Promise<void>
  /** A server on a database, once its tables, indexes and counts are there. */
  serve: (database: string, env?: Record<string, string>) => Promise<BenchServer>
  /** The servers that run now. */
  running: () => readonly BenchServer[]
  /** What is going on, for whoever waits. */
  tell: (what: string) => void
  close: () => Promise<void>
}

interface Options {
  rows: number
  folder: string
  /** Of the PostgreSQL server. */
  url: string
  tell: (what: string) => void
}

const built = fileURLToPath(new URL('../../dist', import.meta.url))

/** The workplace of a run. */
export async function createBench({ rows, folder, url, tell }: Options): Promise<Bench> {
  // A build that happens meanwhile must not change what is measured.
  const installed = join(folder, 'installed')
  await cp(built, installed, { recursive: true })
  await cp(join(built, '..', 'package.json'), join(folder, 'package.json'))
  const programs = { jobsctl: join(installed, 'cli/bin.js'), server: join(installed, 'server/main.js') }
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  const urlOf = (database: string) => Object.assign(new URL(url), { pathname: `/${database}` }).href
  const connections: Sql[] = [admin]
  const running = new Set<BenchServer>()

  async function serve(database: string, env?: Record<string, string>): Promise<BenchServer> {
    const server = await startServer({
      ...{ program: programs.server, folder, dbUrl: urlOf(database), tell },
      prepared: () => untilPrepared(urlOf(database), programs.server),
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
    ...{ rows, folder, programs, urlOf, serve, tell },
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
