import type { Command } from 'commander'
import { printOutput } from './command.ts'
import { grantLines, migrateDatabase } from './migrate.ts'

/** Adds `migrate` and `grants`. */
export function addMigrateCommands(program: Command): void {
  program
    .command('migrate')
    .description('make the missing tables, indexes and triggers as the role of JOBS_DB_URL, and print their SQL')
    .option('--dry-run', 'print the SQL, and make nothing')
    .option(
      '--engine <engine>',
      'own makes tables for jobs of its own beside another engine; any other one, such as pg-boss, gets records beside its jobs',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server migrate --dry-run > migrate.sql\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server migrate\n  JOBS_DB_URL=postgres://owner@db/orders jobs-server migrate --engine pg-boss',
    )
    .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
      const output = await migrateDatabase(process.env, { makes: !dryRun })
      // A person at a terminal does not read two thousand lines of SQL that have run.
      printOutput(dryRun || !process.stdout.isTTY ? output : { ...output, lines: [madeText(output.lines)] })
    })
  program
    .command('grants')
    .description('print the least rights that a server with JOBS_MIGRATE=false needs, as SQL')
    .requiredOption('--role <role>', 'the role of the server, as create role names it')
    .option(
      '--engine <engine>',
      'the engine whose jobs the server works on: pg-boss, bullmq, graphile-worker or mapped',
    )
    .option('--look', 'for a server that only looks at the jobs of another engine')
    .addHelpText(
      'after',
      '\nExample:\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server grants --role app | psql postgres://owner@db/jobs\n  JOBS_DB_URL=postgres://owner@db/orders jobs-server grants --engine pg-boss --look --role reader',
    )
    .action(async ({ role, look = false }: { role: string; look?: boolean }) =>
      printOutput({ lines: await grantLines(process.env, { role, looks: look }), warnings: [] }),
    )
}

const madeText = (script: readonly string[]): string =>
  script.length === 0
    ? 'Nothing was missing.'
    : `Made what was missing, by ${script.length} lines of SQL. In a pipe, and with --dry-run, they are printed.`
