import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { type SelectionFlags, selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'

interface ReclaimFlags extends SelectionFlags {
  countAttempt?: boolean
}

export const reclaim: CommandSpec<ReclaimFlags> = {
  name: 'reclaim',
  group: 'CHANGE',
  summary: 'take back what a dead worker holds',
  about:
    'Takes running jobs from their workers and puts them back in the queue, due at once. A worker that is alive hears lease_lost when it reports. --worker takes a star at its end.',
  examples: [
    "jobsctl reclaim --worker 'pod-17*' --dry-run",
    'jobsctl reclaim --stale --all --yes',
    'jobsctl reclaim 8123 --reason "its machine is gone" --yes',
  ],
  operands: '[ids...]',
  flags: [...selectionFlags, { flags: '--count-attempt', about: 'count a failed attempt for each job', group: 'HOW' }],
  changes: true,
  async run(context, flags, ids) {
    const { guardFiltered, reclaimChange } = await import('../changes/filtered.ts')
    const prefix = prefixOf(flags.worker)
    const selected = await selectionOf(context, flags, ids)
    const { worker_id, ...rest } = selected.fields
    const worker = prefix === undefined ? { ...(worker_id !== undefined && { worker_id }) } : { worker_prefix: prefix }
    const fields = { ...rest, ...worker, ...(flags.countAttempt && { count_attempt: true }) }
    const words = ['reclaim', ...selected.words, ...(flags.countAttempt ? ['--count-attempt'] : [])]
    return guardFiltered(context, flags, reclaimChange(fields, words))
  },
}

/**
 * The text before the star at the end of `--worker`; undefined for the whole id of a worker.
 * @throws Failure `usage` for a star elsewhere, and for a star alone
 */
function prefixOf(worker: string | undefined): string | undefined {
  if (worker === undefined || !worker.includes('*')) return undefined
  const prefix = worker.slice(0, -1)
  if (worker.endsWith('*') && prefix !== '' && !prefix.includes('*')) return prefix
  throw new Failure('usage', "--worker: a star stands at the end alone, such as 'pod-17*'; nothing was changed", {
    hint: 'every running job of a scope: leave out --worker, and give --domain or --all',
  })
}
