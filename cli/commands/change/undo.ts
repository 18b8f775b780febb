import { Failure } from '../../../shared/errors.ts'
import type { CommandSpec } from '../../command.ts'
import { type PartFlags, partFlags, partOf } from '../../settings/flags/part-flags.ts'
import { flagWords } from '../../settings/flags/scope-flags.ts'

interface UndoFlags extends PartFlags {
  refusedTo?: string
}

export const undo: CommandSpec<UndoFlags> = {
  name: 'undo',
  group: 'CHANGE',
  summary: 'give back what a change took',
  about:
    'Undoes a change of many jobs, other than a repair or a reclaim: deleted jobs exist again, and changed jobs have their old state again. Jobs that changed since the operation are left as they are, and are reported. With a scope or ids, gives back this part of the operation.',
  examples: [
    'jobsctl undo 17 --dry-run',
    'jobsctl undo 17 --domain chatbooks --queue low --yes',
    'jobsctl undo 17 --reason "wrong domain" --yes',
  ],
  operands: '<operation>',
  flags: [
    ...partFlags,
    { flags: '--refused-to <file>', about: 'write what cannot come back to a new file of NDJSON', group: 'HOW' },
  ],
  changes: true,
  async run(context, { refusedTo, ...flags }, [id = '']) {
    const { undoChange, undoRequest } = await import('../../changes/undo.ts')
    const { guardChange } = await import('../../guard/guard.ts')
    if (!/^[1-9]\d{0,15}$/.test(id)) {
      throw new Failure('usage', '<operation>: must be a whole number, such as 17', {
        hint: 'jobsctl operations lists the numbers',
      })
    }
    const { fields, words } = await partOf(context, flags)
    const request = undoRequest({ id, ...fields })
    const further = refusedTo === undefined ? [] : flagWords('--refused-to', refusedTo)
    const change = undoChange(context, request, ['undo', id, ...words, ...further])
    if (refusedTo === undefined) return guardChange(context, change)
    const { withRefusedFile } = await import('../../operations/refused-file.ts')
    const run = (watched: typeof change) => guardChange(context, watched)
    return withRefusedFile(context, { path: refusedTo, request, change, run })
  },
}
