import type { Command } from 'commander'
import type { LimitFlags } from '../../../shared/access/limits.ts'
import { agentRole, givenRoles, setRoles } from '../../../shared/access/rights.ts'
import { mayHaveScope, type ScopeFlags, scopedRoles } from '../../../shared/access/token-scope.ts'
import { daysOfRole, longestOverlap } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { type CommandOutput, printOutput } from '../command.ts'
import { operatorName } from '../operator.ts'
import { runOnDatabase } from '../run-on-database.ts'
import { type GrantFlags, grantOf, withGrantFlags } from './token-grant-flags.ts'
import { limitsFor, neededLimits, withLimitFlags } from './token-limit-flags.ts'
import { neededScope, scopeOf, withScopeFlags } from './token-scope-flags.ts'
import { tokenTable } from './token-table.ts'

interface CreateFlags extends ScopeFlags, LimitFlags, GrantFlags {
  expires?: string
  role?: string
  principal?: string
  of?: string
}

/** The first flag that a token without a role cannot have. */
function flagBesideRole(flags: CreateFlags): string | undefined {
  const named = {
    '--may-enqueue': flags.mayEnqueue,
    '--approver': flags.approver,
    '--may-break-glass': flags.mayBreakGlass,
    '--may-edit': flags.mayEdit,
    '--domain, --queue or --job-type': flags.domain ?? flags.queue ?? flags.jobType ?? flags.cascade,
    '--max-per-change or --max-per-day': flags.maxPerChange ?? flags.maxPerDay,
    '--principal': flags.principal,
    '--of': flags.of,
  }
  return Object.entries(named).find(([, value]) => value !== undefined)?.[0]
}

const roleList = givenRoles.join(', ')

/** Adds the subcommands of `jobs-server token`. */
export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('bearer tokens of AUTH_MODE=multi_user')
  withGrantFlags(withLimitFlags(withScopeFlags(token.command('create <name>'))))
    .description('make a token and print it; it cannot be printed again')
    .option('--role <role>', `what the token may do: ${roleList} (default: everything)`)
    .option('--principal <name>', 'whom the token is for (default: its name)')
    .option('--of <principal>', 'with the role agent: the person whose agent it is')
    .option('--expires <days>', 'days, such as 90d, or never (default: 90d, of an admin 30d, without a role never)')
    .action(async (name: string, flags: CreateFlags) => printOutput(await create(name, flags)))
  token
    .command('list')
    .description('all tokens: a table at a terminal, else tab-separated')
    .action(async () => {
      const output = await runOnDatabase(process.env, { command: 'list' })
      if (!process.stdout.isTTY) return printOutput(output)
      process.stdout.write(tokenTable(output.lines))
    })
  token
    .command('show <id>')
    .description('one token, and what it may do')
    .action(async (id: string) => printOutput(await runOnDatabase(process.env, { command: 'show', id })))
  withGrantFlags(token.command('set-role <id> <role>'))
    .description(`give a token another role at once: ${setRoles.join(', ')}`)
    .action(async (id: string, role: string, flags: GrantFlags) => printOutput(await setRole(id, role, flags)))
  withScopeFlags(token.command('set-scope <id>'))
    .description('limit a token at once to domains, queues and job types; with --all to nothing')
    .option('--all', 'limit nothing')
    .action(async (id: string, flags: ScopeFlags & { all?: boolean }) =>
      printOutput(
        await runOnDatabase(process.env, { command: 'set-scope', by: operatorName(), id, scope: neededScope(flags) }),
      ),
    )
  withLimitFlags(token.command('set-limits <id>'))
    .description('limit at once how many jobs the changes of a token touch; a limit that is not given stays')
    .action(async (id: string, flags: LimitFlags) =>
      printOutput(
        await runOnDatabase(process.env, {
          command: 'set-limits',
          by: operatorName(),
          id,
          ...neededLimits(flags),
        }),
      ),
    )
  token
    .command('rotate <id>')
    .description('give a token a new secret under the same id, and print it; it cannot be printed again')
    .option('--overlap <time>', 'the old secret works on for so long, such as 24h or 7d; 0 ends it at once', '24h')
    .action(async (id: string, { overlap }: { overlap: string }) =>
      printOutput(
        await runOnDatabase(process.env, {
          command: 'rotate',
          by: operatorName(),
          id,
          overlap_seconds: overlapOf(overlap),
        }),
      ),
    )
  token
    .command('revoke <id>')
    .description('revoke a token; it stops working at once')
    .option('--tree', 'and the tokens that it made or rotated, and the tokens that these made or rotated')
    .action(async (id: string, { tree = false }: { tree?: boolean }) =>
      printOutput(
        await runOnDatabase(process.env, { command: tree ? 'revoke-tree' : 'revoke', by: operatorName(), id }),
      ),
    )
  const others = [
    ['suspend', 'refuse a token at once, until it is resumed'],
    ['resume', 'end the suspension of a token'],
  ] as const
  for (const [command, description] of others) {
    token
      .command(`${command} <id>`)
      .description(description)
      .action(async (id: string) => printOutput(await runOnDatabase(process.env, { command, by: operatorName(), id })))
  }
}

function setRole(id: string, role: string, flags: GrantFlags): Promise<CommandOutput> {
  if (role === agentRole)
    throw new Failure('usage', 'no token becomes that of an agent; nothing was changed', {
      hint: 'make one: jobs-server token create mender --role agent --of <principal>',
    })
  return runOnDatabase(process.env, { command: 'set-role', by: operatorName(), id, ...grantOf(role, flags) })
}

function create(given: string, flags: CreateFlags): Promise<CommandOutput> {
  const { role, principal, of, expires } = flags
  const scope = scopeOf(flags)
  const name = nameOf(given)
  if (role === undefined) {
    const flag = flagBesideRole(flags)
    if (flag) throw new Failure('usage', `${flag} needs --role; a token without a role may do everything`)
    return runOnDatabase(process.env, { command: 'create', by: operatorName(), name, days: daysOf(expires) })
  }
  const grant = grantOf(role, flags)
  if (of !== undefined && principal !== undefined)
    throw new Failure('usage', '--principal does not go with --of, which names the person; nothing was changed')
  if (scope && !mayHaveScope(role))
    throw new Failure('usage', `a token with the role ${role} has no scope; nothing was changed`, {
      hint: `the roles that have one are ${scopedRoles.join(', ')}`,
    })
  const days = expires === undefined ? daysOfRole(grant.role) : daysOf(expires)
  return runOnDatabase(process.env, {
    command: 'create-with-role',
    by: operatorName(),
    name,
    days,
    ...grant,
    scope,
    ...limitsFor(role, flags),
    principal: principal === undefined ? name : nameOf(principal),
  })
}

function nameOf(name: string): string {
  if (/^[^\p{Cc}]{1,128}$/u.test(name)) return name
  throw new Failure('usage', 'a name must have 1 to 128 characters and no control characters')
}

function daysOf(expires: string | undefined): number | undefined {
  if (expires === undefined || expires === 'never') return undefined
  const days = /^([1-9]\d{0,4})d$/.exec(expires)?.[1]
  if (days) return Number(days)
  throw new Failure('usage', '--expires: must be a number of days, such as 90d, or never')
}

/** The seconds of `0`, `30m`, `24h` or `7d`. */
function overlapOf(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const seconds = text === '0' ? 0 : Number(digits) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit ?? ''] ?? Number.NaN)
  if (seconds <= longestOverlap) return seconds
  throw new Failure('usage', '--overlap: must be a time such as 24h, at most 7d, or 0; nothing was changed')
}
