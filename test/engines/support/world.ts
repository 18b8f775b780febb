import postgres from 'postgres'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'
import { type Boss, type BossOptions, startBoss } from './boss.ts'

/** A database of pg-boss. Everything that runs on it ends with it. */
export interface BossDatabase {
  url: string
  env: Record<string, string>
  /** As a superuser, past all servers. */
  sql: postgres.Sql
  /** Starts one more process with pg-boss. */
  start: (more?: Partial<BossOptions>) => Promise<Boss>
  /** Starts jobs-server in this process, and waits until it is ready. */
  serve: (env?: Record<string, string>) => Promise<World>
  close: () => Promise<void>
}

/** Opens an empty database for one version of pg-boss. */
export async function openBossDatabase(version: string): Promise<BossDatabase> {
  const database = await emptyDatabase()
  const { env } = database
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const bosses: Boss[] = []
  const worlds: World[] = []
  // A server that stops leaves the database, which other servers use.
  const kept: TestDatabase = { env, drop: async () => {} }
  return {
    url,
    env,
    sql,
    async start(more = {}) {
      const boss = await startBoss({ version, url, ...more })
      bosses.push(boss)
      return boss
    },
    async serve(more = {}) {
      const world = await openWorld('postgres', more, Promise.resolve(kept))
      worlds.push(world)
      return world
    },
    async close() {
      await Promise.all(worlds.map((world) => world.stop()))
      await Promise.all(bosses.map((boss) => boss.kill()))
      await sql.end()
      await database.drop()
    },
  }
}

/** Tables that pg-boss makes as days go by, beside a change of ours. */
const byDay = /queue_stats_\d{8}/

/** Everything that the database has beside rows, a line each, without what pg-boss makes by itself. */
export const catalogueBeside = async (sql: postgres.Sql): Promise<string[]> =>
  (await catalogueOf(sql)).filter((line) => !byDay.test(line))
