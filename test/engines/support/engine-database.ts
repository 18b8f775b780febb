import postgres from 'postgres'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

/** A database of an engine. Everything that runs on it ends with it. */
export interface EngineDatabase<Process, More> {
  url: string
  env: Record<string, string>
  /** As a superuser, past all servers. */
  sql: postgres.Sql
  /** Starts one more process with the engine. */
  start: (more?: More) => Promise<Process>
  /** Starts jobs-server in this process, and waits until it is ready. */
  serve: (env?: Record<string, string>) => Promise<World>
  close: () => Promise<void>
}

/** Opens an empty database for an engine, whose first process makes the tables. */
export async function openEngineDatabase<Process extends { kill: () => Promise<void> }, More>(
  startProcess: (url: string, more?: More) => Promise<Process>,
): Promise<EngineDatabase<Process, More>> {
  const database = await emptyDatabase()
  const { env } = database
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const processes: Process[] = []
  const worlds: World[] = []
  // A server that stops leaves the database, which other servers use.
  const kept: TestDatabase = { env, drop: async () => {} }
  return {
    url,
    env,
    sql,
    async start(more) {
      const process = await startProcess(url, more)
      processes.push(process)
      return process
    },
    async serve(more = {}) {
      const world = await openWorld('postgres', more, Promise.resolve(kept))
      worlds.push(world)
      return world
    },
    async close() {
      await Promise.all(worlds.map((world) => world.stop()))
      await Promise.all(processes.map((process) => process.kill()))
      await sql.end()
      await database.drop()
    },
  }
}

/** Makes the tables of records beside the jobs of an engine. @throws Error with what the command wrote, where it fails */
export async function makeRecords(engine: string, env: Record<string, string>): Promise<void> {
  const { code, err } = await runServer(['migrate', '--engine', engine], env)
  if (code !== 0) throw new Error(`jobs-server migrate ended with ${code}: ${err}`)
}
