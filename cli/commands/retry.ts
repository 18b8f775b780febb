import type { CommandSpec } from '../context.ts'
import { type CanaryFlags, canaryFlags, canaryOf } from '../settings/flags/canary-flags.ts'
import { type RunAgainFlags, runAgainFlags, runAgainOf } from '../settings/flags/run-again-flags.ts'
import { type SelectionFlags, selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'

interface RetryFlags extends SelectionFlags, CanaryFlags, RunAgainFlags {
  keepRetries?: boolean
  alsoQuarantined?: boolean
}

export const retry: CommandSpec<RetryFlags> = {
  name: 'retry',
  group: 'CHANGE',
  summary: 'make failed jobs run again',
  about: 'Makes failed jobs run again, and brings back the jobs that were cancelled because of them.',
  examples: ['jobsctl retry --domain chatbooks --error-code timeout --spread 10m --dry-run'],
  operands: '[ids...]',
  flags: [
    ...selectionFlags,
    ...runAgainFlags,
    { flags: '--also-quarantined', about: 'quarantined jobs, too, as requeue does; one undo', group: 'WHICH JOBS' },
    { flags: '--keep-retries', about: 'leave the number of retries as it is', group: 'HOW' },
    ...canaryFlags,
  ],
  changes: true,
  async run(context, flags, ids) {
    const { guardFiltered, retryChange } = await import('../changes/filtered.ts')
    const canary = canaryOf(context, flags, ids)
    const selected = await selectionOf(context, flags, ids)
    const again = runAgainOf(flags)
    const own = {
      ...(flags.keepRetries && { keep_retries: true }),
      ...(flags.alsoQuarantined && { also_quarantined: true }),
    }
    const fields = { ...selected.fields, ...again.fields, ...own }
    const keep = [
      ...(flags.keepRetries ? ['--keep-retries'] : []),
      ...(flags.alsoQuarantined ? ['--also-quarantined'] : []),
    ]
    const words = ['retry', ...selected.words, ...again.words, ...keep, ...(canary?.words ?? [])]
    return guardFiltered(context, flags, retryChange(fields, words), canary)
  },
}
