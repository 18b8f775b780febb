import { type FilterFlags, filterFlags, filterOf, filterWords } from './filter-flags.ts'
import type { Flag } from './flag.ts'
import { scopeOfChange } from './scope-flags.ts'

export interface NarrowerFlags extends Omit<FilterFlags, 'status'> {
  mustExist?: boolean
}

/** The flags of the filter for changes whose own flags say which states they take. */
export const narrowerFlags: readonly Flag[] = filterFlags.filter(({ flags }) => !flags.startsWith('--status '))

/**
 * The fields of a change that needs a scope and takes a filter beside it, and its words on the command line.
 * @throws Failure `usage` for a change without a scope
 */
export function narrowedScope({ all, ...flags }: NarrowerFlags) {
  const { status: _, ...narrowing }: FilterFlags = flags
  const scope = scopeOfChange({ ...flags, ...(all && { all }) })
  const fields = filterOf(narrowing)
  return { scope, fields, words: filterWords(fields, all) }
}
