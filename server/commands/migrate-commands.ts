import type { Command } from 'commander'
import { printOutput } from './command.ts'
import { grantLines, migrateDatabase } from './migrate.ts'

/** Adds `migrate` and `grants`. */
export function addMigrateCommands(program: Command): void {
  program
    .command('migrate')
    .description('make the missing tables, indexes and triggers as the role of JOBS_DB_URL, and print their SQL')
    .option('--dry-run', 'print the SQL, and make nothing')
    .option('--engine <engine>', 'own makes tables in a database that another engine uses')
    .addHelpText(
      'after',
      '\nExamples:\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server migrate --dry-run > migrate.sql\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server migrate',
    )
    .action(async ({ dryRun = false }: { dryRun?: boolean }) =>
      printOutput(await migrateDatabase(process.env, { makes: !dryRun })),
    )
  program
    .command('grants')
    .description('print the least rights that a server with JOBS_MIGRATE=false needs, as SQL')
    .requiredOption('--role <role>', 'the role of the server, as create role names it')
    .addHelpText(
      'after',
      '\nExample:\n  JOBS_DB_URL=postgres://owner@db/jobs jobs-server grants --role app | psql postgres://owner@db/jobs',
    )
    .action(async ({ role }: { role: string }) =>
      printOutput({ lines: await grantLines(process.env, role), warnings: [] }),
    )
}
