import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { type SelectionFlags, selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'

interface PriorityFlags extends SelectionFlags {
  to?: string
}

export const priority: CommandSpec<PriorityFlags> = {
  name: 'priority',
  group: 'CHANGE',
  summary: 'set the priority of queued jobs',
  about: 'Sets the priority of queued jobs, from 1, which runs first, to 10.',
  examples: ['jobsctl priority 8123 --to 1', 'jobsctl priority --domain chatbooks --owner alice --to 9 --dry-run'],
  operands: '[ids...]',
  flags: [...selectionFlags, { flags: '--to <n>', about: 'the new priority, 1 to 10', group: 'HOW' }],
  changes: true,
  async run(context, flags, ids) {
    const { guardFiltered, priorityChange } = await import('../changes/filtered.ts')
    const level = /^\d{1,2}$/.test(flags.to ?? '') ? Number(flags.to) : 0
    if (level < 1 || level > 10) {
      throw new Failure('usage', '--to: must be a whole number from 1, which runs first, to 10; nothing was changed')
    }
    const selected = await selectionOf(context, flags, ids)
    const words = ['priority', ...selected.words, '--to', String(level)]
    return guardFiltered(context, flags, priorityChange({ ...selected.fields, priority: level }, words))
  },
}
