import type postgres from 'postgres'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { type Boss, type BossOptions, startBoss } from './boss.ts'
import { type EngineDatabase, openEngineDatabase } from './engine-database.ts'

/** A database of pg-boss. Everything that runs on it ends with it. */
export type BossDatabase = EngineDatabase<Boss, Partial<BossOptions>>

/** Opens an empty database for one version of pg-boss. */
export const openBossDatabase = (version: string): Promise<BossDatabase> =>
  openEngineDatabase((url, more) => startBoss({ version, url, ...more }))

/** Tables that pg-boss makes as days go by, beside a change of ours. */
const byDay = /queue_stats_\d{8}/

/** Everything that the database has beside rows, a line each, without what pg-boss makes by itself. */
export const catalogueBeside = async (sql: postgres.Sql): Promise<string[]> =>
  (await catalogueOf(sql)).filter((line) => !byDay.test(line))
