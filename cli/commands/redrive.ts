import type { CommandSpec } from '../context.ts'
import { type SelectionFlags, selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'

export const redrive: CommandSpec<SelectionFlags> = {
  name: 'redrive',
  group: 'CHANGE',
  summary: 'move dead letters back into their queues',
  about:
    'Moves jobs that wait in dead letter queues back into the queues that they came from, as new jobs. --queue is the dead letter queue, --job-type the queue that its jobs came from. A job stays where its work would be done twice, or has no place. For jobs of pg-boss.',
  examples: [
    'jobsctl redrive --queue dead-letters --domain pgboss --dry-run',
    'jobsctl redrive --queue dead-letters --domain pgboss --job-type mail --rate 50 --yes',
    'jobsctl redrive dead-letters/0b6f6a3e-2f0e-4a27-9d35-5a3d3c1f8a10',
  ],
  operands: '[ids...]',
  flags: selectionFlags,
  changes: true,
  async run(context, flags, ids) {
    const { guardFiltered, redriveChange } = await import('../changes/filtered.ts')
    const { fields, words } = await selectionOf(context, flags, ids)
    return guardFiltered(context, flags, redriveChange(fields, ['redrive', ...words]))
  },
}
