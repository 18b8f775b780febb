import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { isSingleSignOn, singleSignOnId } from '../auth/single-sign-on-id.ts'
import { readEnv } from '../env/env.ts'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds the subcommands of `jobs-server callers`. */
export function addCallerCommands(program: Command): void {
  const callers = program.command('callers').description('callers of single sign-on')
  callers
    .command('list')
    .description('who has logged in in a browser within 90 days, and who is blocked: tab-separated')
    .action(async () => printOutput(await runOnDatabase(process.env, { command: 'callers' })))
  for (const [command, description] of [
    ['block', 'refuse a caller at once, whatever the provider says, and end its sessions and changes'],
    ['unblock', 'end the block of a caller'],
  ] as const) {
    callers
      .command(`${command} <subject>`)
      .description(`${description}; the subject, or the id as records have it`)
      .action(async (subject: string) =>
        printOutput(
          await runOnDatabase(process.env, {
            command: 'block-caller',
            by: operatorName(),
            id: idOf(subject),
            blocked: command === 'block',
          }),
        ),
      )
  }
}

/** @throws Failure `usage` for a subject without JOBS_OIDC_ISSUER */
function idOf(subject: string): string {
  if (isSingleSignOn(subject)) return subject
  const issuer = readEnv(process.env).JOBS_OIDC_ISSUER
  if (issuer !== undefined) return singleSignOnId(issuer, subject)
  throw new Failure('usage', 'JOBS_OIDC_ISSUER is not set, and a subject is known by its issuer; nothing was changed', {
    hint: 'jobs-server callers list has the ids, which begin with oidc:',
  })
}
