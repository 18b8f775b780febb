import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { openDatabase } from '../database/connection/open.ts'
import type { Sql } from '../database/sql.ts'
import { silent, withDatabase } from '../database/with-tables.ts'
import { adminSchema, findForRecords, findToUninstall, hasRecordsAlone } from '../engines/find-served.ts'
import { engineNames, servedBy } from '../engines/served.ts'
import { type Env, readEnv } from '../env/env.ts'
import { schemaLines } from '../schema/schema-report.ts'
import { uninstallRecords } from '../schema/uninstall-records.ts'
import { uninstallScript } from '../schema/uninstall-script.ts'
import { printOutput } from './command.ts'

/** Adds `schema` and `uninstall`, which read the catalog of the database and change nothing. */
export function addSchemaCommands(program: Command): void {
  program
    .command('schema')
    .description(
      'list what this server has in the database, with owners, and what is missing; migrate --dry-run has the SQL',
    )
    .addHelpText(
      'after',
      '\nFields, with tabs between them: kind, table, name, state (there, disabled or missing), who made it (empty: not known), owner.',
    )
    .action(async () => {
      const env = readEnv(process.env)
      const lines = await withDatabase({
        opened: await openDatabase(env, silent, { find: findForRecords }),
        env,
        work: ({ sql }) => {
          refuseEngine(sql)
          return schemaLines(sql)
        },
      })
      printOutput({ lines: lines.map((fields) => fields.join('\t')), warnings: [] })
    })
  program
    .command('uninstall')
    .description(
      'print the SQL that takes out what servers have made, and leaves the tables of other programs as they were',
    )
    .option('--dry-run', 'the same: nothing but psql runs the SQL')
    .addHelpText(
      'after',
      '\nStop all servers, read the SQL, then run it as the owner of the tables:\n  jobs-server uninstall > uninstall.sql\n  psql -v ON_ERROR_STOP=1 -f uninstall.sql postgres://owner@db/jobs',
    )
    .action(async () => {
      const env = readEnv(process.env)
      const lines = await withDatabase({
        opened: await openDatabase(requirePostgres(env), silent, { find: findToUninstall }),
        env,
        work: async ({ sql, schema }) =>
          (await hasRecordsAlone(sql, schema)) ? uninstallRecords(sql, schema) : uninstallScript(sql, schema),
      })
      const warnings = lines.length > 0 ? [] : ['no server has made anything in this database']
      printOutput({ lines, warnings })
    })
}

/** @throws Failure `not_supported` on a database of the jobs of another engine, where psql lists what there is */
function refuseEngine(sql: Sql): void {
  const served = servedBy(sql)
  if (served.mode === 'own') return
  throw new Failure('not_supported', 'this command lists what is made beside jobs of our own; nothing was read', {
    hint: `jobs-server migrate --engine ${engineNames(served)} --dry-run prints what is missing; \\dt ${adminSchema}.* in psql lists what is there`,
  })
}

/** @throws Failure `usage` for the embedded database, in which nothing is anybody else's */
function requirePostgres(env: Env): Env {
  if (env.JOBS_DB_URL) return env
  throw new Failure(
    'usage',
    'JOBS_DB_URL is not set, and an embedded database has nothing of other programs; nothing was changed',
    {
      hint: `to leave it, stop the server and delete the folder ${env.JOBS_DATA_DIR} (JOBS_DATA_DIR)`,
    },
  )
}
