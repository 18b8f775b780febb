import type { Command } from 'commander'
import { type ScopeFlags, scopeOfFlags, TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'

/** The flags of a scope. Each may be given more than once. */
export function withScopeFlags(command: Command): Command {
  const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]
  return command
    .option('--domain <name>', 'only jobs of this domain; may be given again', collect)
    .option('--queue <domain/queue>', 'jobs of this queue, besides those of the domains; may be given again', collect)
    .option('--job-type <name>', 'of them only jobs of this type; may be given again', collect)
    .option('--cascade', 'changes may end dependents outside')
}

/** @throws Failure `usage` */
export function scopeOf(flags: ScopeFlags): TokenScope | undefined {
  const { wrong, scope } = scopeOfFlags(flags)
  if (wrong !== undefined)
    throw new Failure('usage', `--queue: ${JSON.stringify(wrong)} must be a domain and a queue; nothing was changed`, {
      hint: '--queue chatbooks/default',
    })
  if (scope === undefined) return undefined
  const { data, error } = TokenScope.safeParse(scope)
  if (data) return data
  throw new Failure('usage', `the scope ${error.issues[0]?.message}; nothing was changed`, {
    hint: '--domain takes a name of at most 128 characters, --queue and --job-type one of at most 1,024',
  })
}

/** @throws Failure `usage` without a scope, or with one and `--all` */
export function neededScope(flags: ScopeFlags & { all?: boolean }): TokenScope | null {
  const scope = scopeOf(flags)
  if ((flags.all ?? false) !== (scope !== undefined)) return scope ?? null
  throw new Failure('usage', 'set-scope needs a scope, or --all to limit nothing; nothing was changed', {
    hint: 'jobs-server token set-scope <id> --domain chatbooks',
  })
}
