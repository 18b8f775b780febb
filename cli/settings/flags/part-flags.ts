import type { Scope } from '../../../shared/scope.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import type { Flag } from './flag.ts'
import { type ScopeFlags, scopeFlags, scopeOf, scopeWords } from './scope-flags.ts'
import { idsFileFlag, idsIn } from './selection-flags.ts'

/** The flags that select a part of an operation. */
export interface PartFlags extends Omit<ScopeFlags, 'all'> {
  idsFile?: string
}

export const partFlags: readonly Flag[] = [...scopeFlags, idsFileFlag]

interface SelectedPart {
  /** The fields of the request; none of them means the whole operation. */
  fields: Scope & { ids?: JobId[] }
  /** The words of the command line that select the same part. */
  words: string[]
}

/**
 * The part of an operation that flags select.
 * @throws Failure `usage`
 */
export async function partOf(context: Context, { idsFile, ...flags }: PartFlags): Promise<SelectedPart> {
  const scope = scopeOf(flags)
  if (idsFile === undefined) return { fields: scope, words: scopeWords(scope) }
  const ids = await idsIn(context, idsFile)
  return { fields: { ...scope, ids }, words: [...scopeWords(scope), ...flagWords('--ids-file', idsFile)] }
}
