import { Failure } from '../../shared/errors.ts'
import { countedTables, makeCountTriggers, triggerStatements } from '../counts/triggers.ts'
import { countTriggers } from '../counts/trust.ts'
import { openDatabase } from '../database/connection/open.ts'
import { refuseOtherEngines } from '../database/connection/refuse-others.ts'
import { isAccessRefused } from '../database/errors/failure.ts'
import { rememberEngine } from '../database/installation/engine-setting.ts'
import { migrate } from '../database/migrate/migrate.ts'
import { pendingScript } from '../database/migrate/migration-script.ts'
import { requireSchema } from '../database/migrate/require-schema.ts'
import { grantStatements } from '../database/rights/grants.ts'
import type { Sql } from '../database/sql.ts'
import { type CommandDatabase, silent, withDatabase } from '../database/with-tables.ts'
import { adminSchema, findForRecords } from '../engines/find-served.ts'
import { engineGrants, grantsOnPlaces } from '../engines/grants.ts'
import { hasArchives, hasRecords, makeRecords, requireRecords } from '../engines/make-records.ts'
import { archiveScript, recordsScript } from '../engines/records-script.ts'
import { type Served, type ServedEngine, servedBy } from '../engines/served.ts'
import { type Env, readEnv } from '../env/env.ts'
import { historyTriggers, makeHistoryTriggers, tablesOfJobs } from '../history/appending.ts'
import { readHistorySetting } from '../history/history-setting.ts'
import { errorText } from '../log/system-error.ts'
import type { CommandOutput } from './command.ts'

/**
 * Brings the database up to date as the role of `JOBS_DB_URL`: tables, indexes, and the triggers of counts and history, whatever
 * `JOBS_MIGRATE` is.
 * @param makes false only prints
 * @returns the SQL of what was missing, and warnings
 * @throws Failure `usage` for a role without the right, and for the jobs of another engine beside which nobody has asked for tables
 */
export const migrateDatabase = (
  environment: NodeJS.ProcessEnv,
  { makes }: { makes: boolean },
): Promise<CommandOutput> => migrateWith(readEnv(environment), { makes })

/** The same for an environment that was read. */
export const migrateWith = (env: Env, { makes }: { makes: boolean }): Promise<CommandOutput> =>
  onDatabase(env, (database) => {
    const served = servedBy(database.sql)
    return served.mode === 'own'
      ? migrateWithArchives(database, served, makes)
      : migrateRecords(database, served, makes)
  })

/** Brings our own tables up to date, and makes the archives for the jobs of engines that are served beside our own. */
async function migrateWithArchives(database: CommandDatabase, served: Served, makes: boolean): Promise<CommandOutput> {
  const { sql, schema } = database
  const own = await migrateOwn(database, makes)
  if (served.places.length === 0 || (await hasArchives(sql, served.places))) return own
  const script = await archiveScript(sql, served, schema)
  if (makes) await makeRecords(sql, script)
  return { ...own, lines: [...own.lines, ...transactionOf(script)] }
}

const transactionOf = (script: readonly string[]): string[] =>
  ['begin;', ...script.map((text) => `${text};`), 'commit;'].flatMap((text) => text.split('\n'))

async function migrateOwn({ sql, schema, env, noteMade }: CommandDatabase, makes: boolean): Promise<CommandOutput> {
  const script = [...(await pendingScript(sql)), ...(await triggerScript(sql))]
  const all = script.length > 0 ? [`set search_path = ${schema}, pg_temp;`, ...script] : []
  const lines = all.flatMap((text) => text.split('\n'))
  if (!makes) return { lines, warnings: [] }
  const warnings: string[] = []
  const log = { ...silent, warn: (text: string) => void warnings.push(text) }
  await migrate({
    sql,
    log,
    schema,
    mode: env.JOBS_INDEXES,
    pooled: env.JOBS_DB_POOLER,
    tablesReady: () => {},
    applied: noteMade,
  })
  await rememberEngine(sql, env)
  await makeCountTriggers(sql, noteMade)
  if (await wantsHistory(sql, env)) await makeHistoryTriggers(sql, await tablesOfJobs(sql), noteMade)
  return { lines, warnings }
}

/** Makes our tables beside the jobs of another engine. What is there already is left as it is. */
async function migrateRecords(database: CommandDatabase, served: ServedEngine, makes: boolean): Promise<CommandOutput> {
  const { sql, schema, env } = database
  if (served.mode === 'look' && env.JOBS_ENGINE === 'auto') await refuseOtherEngines(sql)
  if (await hasRecords(sql, served)) return { lines: [], warnings: [] }
  // Where an empty table of jobs and our tables beside it are there already, they are brought up to date as ever.
  const isInAdminSchema = schema === adminSchema
  const own = isInAdminSchema ? { lines: [], warnings: [] } : await migrateOwn(database, makes)
  const script = isInAdminSchema ? await recordsScript(sql, served, schema) : await archiveScript(sql, served, schema)
  if (makes) await makeRecords(sql, script)
  return { lines: [...own.lines, ...transactionOf(script)], warnings: own.warnings }
}

/**
 * The grants for a role, as lines of SQL.
 * @param looks the role is for a server that only looks at the jobs of another engine
 */
export const grantLines = (
  environment: NodeJS.ProcessEnv,
  { role, looks }: { role: string; looks: boolean },
): Promise<string[]> =>
  onDatabase(readEnv(environment), async ({ sql, schema }) => {
    const served = servedBy(sql)
    if (served.mode !== 'own') {
      if (!looks) await requireRecords(sql, served)
      return engineGrants(sql, served, { role, schema, looks, isRecorded: await hasRecords(sql, served) })
    }
    if (looks)
      throw new Failure(
        'usage',
        '--look is for the jobs of another engine, and these are our own; nothing was printed',
        {
          hint: 'without --look: jobs-server grants --role <role>',
        },
      )
    await requireSchema(sql, silent)
    return [
      ...(await grantStatements(sql, { role, schema })),
      ...(await grantsOnPlaces(sql, served.places, { role, schema })),
    ]
  })

const wantsHistory = async (sql: Sql, { JOBS_HISTORY }: Env): Promise<boolean> =>
  JOBS_HISTORY ?? (await readHistorySetting(sql))

/** The triggers that are missing. Tables that are not there yet lack all of them. */
async function triggerScript(sql: Sql): Promise<string[]> {
  const [{ isNew }] = await sql<[{ isNew: boolean }]>`select to_regclass('jobs') is null as "isNew"`
  const absent = { oid: 0, name: 'jobs' }
  const counted = isNew ? [{ ...absent, triggers: countTriggers }] : await countedTables(sql)
  // A database that this version makes keeps its history.
  const hasSettings = !isNew && (await hasTable(sql, 'jobsctl_settings'))
  const tables = isNew ? [absent] : hasSettings && (await readHistorySetting(sql)) ? await tablesOfJobs(sql) : []
  const all = [...counted, ...tables.map((table) => ({ ...table, triggers: historyTriggers.triggers }))]
  const statements = []
  for (const table of all) {
    const { create, enable } = await triggerStatements(sql, table.triggers, table)
    statements.push(...[...create, ...enable].map((statement) => `${statement};`))
  }
  return statements.length > 0 ? ['-- triggers', ...statements] : []
}

async function hasTable(sql: Sql, name: string): Promise<boolean> {
  const [row] = await sql`select where to_regclass(${name}) is not null`
  return row !== undefined
}

async function onDatabase<Result>(env: Env, work: (database: CommandDatabase) => Promise<Result>): Promise<Result> {
  return withDatabase({
    opened: await openDatabase(env, silent, { find: findForRecords }),
    env,
    work: (database) => work(database).catch((error: unknown) => refuseRole(error, database.whatStays())),
  })
}

/** @throws Failure `usage` for a right that is missing; any other error as it is */
function refuseRole(error: unknown, stays: string | undefined): never {
  if (error instanceof Failure || !isAccessRefused(error)) throw error
  throw new Failure(
    'usage',
    [`the database refuses this role: ${errorText(error)}`, ...(stays ? [stays] : [])].join('; '),
    {
      hint: 'run the command as the owner of the tables, or as a role that may make tables in the schema',
      cause: error,
    },
  )
}
