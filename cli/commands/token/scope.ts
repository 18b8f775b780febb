import { limitText, type ScopeFlags, scopeOfFlags } from '../../../shared/access/token-scope.ts'
import { setTokenScope, type Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { changeGrant } from './change-grant.ts'

/**
 * The scope that the flags name; undefined without any.
 * @throws Failure `usage` for a queue without its domain
 */
export function scopeOf(flags: ScopeFlags) {
  const { wrong, scope } = scopeOfFlags(flags)
  if (wrong === undefined) return scope
  throw new Failure('usage', `--queue: ${JSON.stringify(wrong)} must be a domain and a queue; nothing was changed`, {
    hint: '--queue chatbooks/default',
  })
}

/**
 * Limits a token to a scope, or with `all` to nothing.
 * @throws Failure `usage` without a scope, or with one and `all`; `not_found`; `conflict` for a role that has no scope
 */
export async function setScope(context: Context, id: string, flags: ScopeFlags & { all?: boolean }): Promise<Ending> {
  const scope = scopeOf(flags)
  if ((flags.all ?? false) === (scope !== undefined)) {
    throw new Failure('usage', 'token set-scope needs a scope, or --all to limit nothing; nothing was changed', {
      hint: `${context.another(['token', 'set-scope', id])} --domain chatbooks`,
    })
  }
  const request = parseInput(setTokenScope.input, { id, scope: scope ?? null })
  return changeGrant(context, id, {
    endpoint: setTokenScope,
    request,
    say: (changed) => `is ${changed.scope ? `limited to ${escaped(limitText(changed.scope))}` : 'not limited'}`,
    undo: undoWords,
  })
}

/** The command that gives the scope back. */
const undoWords = ({ id, scope }: Token): string[] => [
  'token',
  'set-scope',
  id,
  ...(scope
    ? [
        ...scope.domains.flatMap((name) => flagWords('--domain', name)),
        ...scope.queues.flatMap(({ domain, queue }) => flagWords('--queue', `${domain}/${queue}`)),
        ...scope.job_types.flatMap((name) => flagWords('--job-type', name)),
        ...(scope.cascade ? ['--cascade'] : []),
      ]
    : ['--all']),
]
