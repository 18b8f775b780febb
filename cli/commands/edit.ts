import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { canaryFlags, canaryOf } from '../settings/flags/canary-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'
import type { EditFlags } from './edit/values.ts'

export const edit: CommandSpec<EditFlags> = {
  name: 'edit',
  group: 'CHANGE',
  summary: 'change payloads and other values of queued jobs',
  about: 'Changes values of queued jobs and nothing else of them; one id alone opens an editor.',
  examples: [
    'jobsctl edit 8123',
    'jobsctl edit --domain chatbooks --set payload.url=https://new.example --then retry --canary 5',
  ],
  operands: '[ids...]',
  flags: [
    ...selectionFlags,
    ...flagsIn('HOW', {
      '--set <path=value>': { about: 'set a text of the payload, or a field; may be repeated', many: 'repeated' },
      '--set-json <path=json>': { about: 'the same with a value of any type', many: 'repeated' },
      '--unset <path>': { about: 'take a key of the payload away, or empty a field', many: 'repeated' },
      '--if <path=value>': { about: 'only jobs that have this value now', many: 'repeated' },
      '--then <what>': { about: 'retry: take failed and quarantined jobs, too, and run them again', values: ['retry'] },
    }),
    ...flagsIn('COURSE', { '--spread <duration>': 'with --then: spread the jobs over this time' }),
    ...canaryFlags.map((flag) => ({ ...flag, group: 'COURSE' })),
  ],
  changes: true,
  async run(context, flags, ids) {
    if (flags.then !== undefined && flags.then !== 'retry')
      throw new Failure('usage', '--then: must be retry; nothing was changed')
    const { guardEdit } = await import('../changes/edit.ts')
    const { isGiven, valuesOf } = await import('./edit/values.ts')
    if (!isGiven(flags)) {
      const { editInEditor } = await import('./edit/one-job.ts')
      return editInEditor(context, flags, ids)
    }
    const canaries = canaryOf(context, flags, ids)
    const selected = await selectionOf(context, flags, ids)
    const values = valuesOf(flags)
    const words = ['edit', ...selected.words, ...values.words, ...(canaries?.words ?? [])]
    return guardEdit(context, flags, { request: { ...selected.fields, ...values.fields }, words, canaries })
  },
}
