import { type ChangeKind, type ChangeOption, optionIn } from './kinds.ts'

/** How many jobs go first. It is no field of the preview, which is of all jobs. */
export const canaryOption: ChangeOption = {
  ...{ name: 'canary', label: 'So many jobs go first', flag: '--canary', type: 'number' },
}

/**
 * How many jobs go first, by the address; undefined for all at once. What is no such number goes to the server as it is, which refuses it:
 * a slip of the pen must not mean all jobs.
 */
export function canaryIn({ hasCanary }: ChangeKind, params: URLSearchParams): number | string | undefined {
  const text = optionIn(params, canaryOption)
  if (!hasCanary || text === '') return undefined
  return Number.isFinite(Number(text)) ? Number(text) : text
}
