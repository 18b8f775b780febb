import { Failure } from '../../../shared/errors.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import { jobIdsOf, listedId } from '../job-id.ts'
import { readStdinFor } from '../stdin-text.ts'
import { readText } from '../text-file.ts'
import { type FilterFields, type FilterFlags, filterFlags, filterOf, filterWords } from './filter-flags.ts'
import type { Flag } from './flag.ts'
import { allFlag, mustExistFlag, scopeFlags } from './scope-flags.ts'
import { withWholeCluster } from './whole-cluster.ts'

/** The flags by which a change selects jobs. */
export interface SelectionFlags extends FilterFlags {
  mustExist?: boolean
  idsFile?: string
}

export const idsFileFlag: Flag = {
  flags: '--ids-file <path>',
  about: 'these ids or uuids, one a line; - for stdin',
  group: 'WHICH JOBS',
}

/** The flags of a change that takes a filter. */
export const selectionFlags: readonly Flag[] = [...scopeFlags, allFlag, mustExistFlag, idsFileFlag, ...filterFlags]

/** The jobs that a change selects. */
export interface Selected {
  /** The fields of the request. */
  fields: Record<string, unknown>
  /** The words of the command line that select the same jobs. */
  words: string[]
}

/**
 * The jobs that operands and flags select.
 * @throws Failure `usage` for a selection that is missing, or says two things
 */
export async function selectionOf(context: Context, flags: SelectionFlags, operands: string[]): Promise<Selected> {
  if (operands.length > 0) {
    const { domain, ...narrowing } = filterOf(flags)
    if (Object.keys(narrowing).length > 0 || flags.all || flags.idsFile !== undefined)
      throw new Failure('usage', 'ids and a scope exclude each other, but for --domain')
    const ids = [...new Set(jobIdsOf(operands))]
    // Two schemas of an engine may have the same ids.
    const fields = { ...(domain !== undefined && { domain }), ...(ids.length === 1 ? { job_id: ids[0] } : { ids }) }
    return { fields, words: [...selectionOrExample(flags, operands)] }
  }
  const filter = filterOf(await withWholeCluster(context, flags))
  const names = Object.keys(filter)
  const ids = flags.idsFile === undefined ? undefined : await idsIn(context, flags.idsFile)
  const isNarrowed = names.some((name) => name !== 'status') || ids !== undefined || flags.all
  if (!isNarrowed) {
    throw new Failure('usage', 'a change needs a scope; nothing was changed', {
      hint: 'add --domain or another filter, or --all to mean every domain',
    })
  }
  return { fields: { ...filter, ...(flags.all && { all: true }), ...(ids && { ids }) }, words: wordsOf(filter, flags) }
}

const wordsOf = (filter: FilterFields, { all, idsFile }: SelectionFlags): string[] => [
  ...filterWords(filter, all),
  ...(idsFile === undefined ? [] : flagWords('--ids-file', idsFile)),
]

/** The selection of a command that lacks something else, for the hint that completes it; an example where it selects nothing. */
export function selectionOrExample(flags: SelectionFlags, operands: readonly string[]): readonly string[] {
  const { domain } = flags
  if (operands.length > 0) return [...operands, ...(domain === undefined ? [] : flagWords('--domain', domain))]
  const words = wordsOf(filterOf(flags), flags)
  return [...(words.length > 0 ? words : ['--domain', 'chatbooks']), ...(flags.mustExist ? ['--must-exist'] : [])]
}

/**
 * The ids of the file of `--ids-file`, one a line; blank lines are passed over.
 * @throws Failure `usage`
 */
export async function idsIn(context: Context, path: string, use: 'read' | 'change' = 'change'): Promise<JobId[]> {
  const lines = (await textOf(context, path, use)).split('\n').map((line) => line.trim())
  const unchanged = use === 'read' ? '' : '; nothing was changed'
  const ids = lines.flatMap((line, before) => (line === '' ? [] : [listedId(line, { line: before + 1, unchanged })]))
  if (ids.length === 0) throw new Failure('usage', `--ids-file: ${path} has no ids${unchanged}`)
  return [...new Set(ids)]
}

function textOf(context: Context, path: string, use: 'read' | 'change'): Promise<string> {
  const { io, settings } = context
  if (path !== '-') {
    return readText(path, { from: '--ids-file', signal: io.signal, timeoutMs: settings.timeoutMs })
  }
  if (use === 'change' && !settings.yes && !settings.dryRun) {
    throw new Failure('usage', '--ids-file - needs --yes or --dry-run, since stdin cannot be asked, too')
  }
  return readStdinFor('--ids-file', context)
}
