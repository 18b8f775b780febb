import { Failure } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import { scopeName } from '../../text/scope-text.ts'
import { type Flag, flagsIn } from './flag.ts'

export interface ScopeFlags {
  domain?: string
  queue?: string
  jobType?: string
  all?: boolean
}

const group = 'WHICH JOBS'

/** The scope flags, the same everywhere. */
export const scopeFlags: readonly Flag[] = [
  ...flagsIn(group, {
    '--domain <name>': 'jobs of this domain',
    '--queue <name>': 'jobs of this queue',
    '--job-type <name>': 'jobs of this type',
  }),
]

/** The scope of a change over every domain must be spelled out. */
export const allFlag: Flag = { flags: '--all', about: 'every domain', group }

/** For cron: a misspelled name is an error instead of a scope without jobs. */
export const mustExistFlag: Flag = { flags: '--must-exist', about: 'exit 5 if no job was ever in the scope', group }

/**
 * The scope that the flags name.
 * @throws Failure `usage` for a blank name: a variable that a script forgot to set must not mean everything
 */
export function scopeOf({ domain, queue, jobType, all }: ScopeFlags): Scope {
  const named = { '--domain': domain, '--queue': queue, '--job-type': jobType }
  for (const [flag, value] of Object.entries(named)) {
    if (value?.trim() === '') throw new Failure('usage', `${flag}: must not be blank; leave it out to mean all`)
  }
  if (all && domain !== undefined) throw new Failure('usage', '--all and --domain exclude each other')
  return {
    ...(domain !== undefined && { domain: domain.trim() }),
    ...(queue !== undefined && { queue: queue.trim() }),
    ...(jobType !== undefined && { job_type: jobType.trim() }),
  }
}

/**
 * The scope of a change, which must be spelled out even where it is every domain.
 * @throws Failure `usage` for a change without a scope
 */
export function scopeOfChange(flags: ScopeFlags): Scope {
  const scope = scopeOf(flags)
  if (flags.all || Object.keys(scope).length > 0) return scope
  throw new Failure('usage', 'a change needs a scope; nothing was changed', {
    hint: 'add --domain, or --all to mean every domain',
  })
}

/** The scope in a sentence: `chatbooks`, `chatbooks/default export`, `all domains`. */
export const describeScope = (scope: Scope): string => escaped(scopeName(scope))

/** The scope in a sentence about nothing: `no jobs in chatbooks`, `no jobs in any domain`. */
export const describeAnyOf = (scope: Scope): string => escaped(scopeName(scope, 'any domain'))

/** The scope as flags, for a command line to paste. */
export const scopeWords = ({ domain, queue, job_type }: Scope, all = false): string[] => [
  ...(domain ? flagWords('--domain', domain) : all ? ['--all'] : []),
  ...(queue ? flagWords('--queue', queue) : []),
  ...(job_type ? flagWords('--job-type', job_type) : []),
]

/** The scope of a command that lacks something else, for the hint that completes it; an example where it has none. */
export const scopeOrExample = (flags: ScopeFlags & { mustExist?: boolean }): string[] => {
  const words = scopeWords(scopeOf(flags), flags.all)
  return [...(words.length > 0 ? words : ['--domain', 'chatbooks']), ...(flags.mustExist ? ['--must-exist'] : [])]
}
