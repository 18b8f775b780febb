import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../command.ts'

export const undo: CommandSpec = {
  name: 'undo',
  group: 'CHANGE',
  summary: 'give back what an operation took',
  about:
    'Takes back a prune, a sweep or a requeue: deleted jobs are there again, and others are as they were. What has gone on since is left, and told.',
  examples: ['jobsctl undo 17 --dry-run', 'jobsctl undo 17 --reason "wrong domain" --yes'],
  operands: '<operation>',
  flags: [],
  changes: true,
  async run(context, _flags, [id = '']) {
    const { undoChange, undoRequest } = await import('../changes/undo.ts')
    const { guardChange } = await import('../guard/guard.ts')
    if (!/^[1-9]\d{0,15}$/.test(id)) {
      throw new Failure('usage', '<operation>: must be a whole number, such as 17', {
        hint: 'jobsctl operations lists them',
      })
    }
    return guardChange(context, undoChange(context, undoRequest({ id }), ['undo', id]))
  },
}
