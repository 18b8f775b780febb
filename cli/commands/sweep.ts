import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { type ScopedFilterFlags, scopedFilterFlags, scopedFilterOf } from '../settings/flags/filter-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, mustExistFlag, scopeFlags, scopeOrExample } from '../settings/flags/scope-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { durationText, seconds } from '../text/duration.ts'

interface SweepFlags extends ScopedFilterFlags {
  age?: string
  runtime?: string
  action?: string
}

export const sweep: CommandSpec<SweepFlags> = {
  name: 'sweep',
  group: 'CHANGE',
  summary: 'cancel or fail jobs past their limits',
  about: 'Cancels or fails queued jobs that are too old, and running jobs that have run for too long.',
  examples: [
    'jobsctl sweep --domain chatbooks --age 1d --runtime 2h --dry-run',
    'jobsctl sweep --domain chatbooks --queue default --runtime 2h --action fail --yes',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    mustExistFlag,
    ...flagsIn('WHICH JOBS', {
      '--age <duration>': 'queued jobs created at least this long ago',
      '--runtime <duration>': 'running jobs started at least this long ago',
    }),
    {
      flags: '--action <action>',
      about: 'cancel or fail (default: cancel)',
      group: 'HOW',
      values: ['cancel', 'fail'],
    },
    ...scopedFilterFlags,
  ],
  changes: true,
  async run(context, flags) {
    const { sweepChange, sweepRequest } = await import('../changes/sweep.ts')
    const { guardChange } = await import('../guard/guard.ts')
    if (flags.age === undefined && flags.runtime === undefined) {
      throw new Failure('usage', 'which jobs? give --age, --runtime or both', {
        hint: context.another(['sweep', ...scopeOrExample(flags), '--age', '1d', '--runtime', '2h', '--dry-run']),
      })
    }
    const { scope, fields, words: which } = scopedFilterOf(await withWholeCluster(context, flags))
    const age_seconds = flags.age === undefined ? undefined : seconds(flags.age, '--age')
    const runtime_seconds = flags.runtime === undefined ? undefined : seconds(flags.runtime, '--runtime')
    const request = sweepRequest({ age_seconds, runtime_seconds, action: flags.action, ...fields })
    const words = [
      'sweep',
      ...which,
      ...(age_seconds === undefined ? [] : ['--age', durationText(age_seconds)]),
      ...(runtime_seconds === undefined ? [] : ['--runtime', durationText(runtime_seconds)]),
      ...(request.action === 'cancel' ? [] : ['--action', request.action]),
    ]
    return guardChange(context, { ...sweepChange(request, words), scope, mustExist: flags.mustExist ?? false })
  },
}
