import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../command.ts'
import { durationText, seconds } from '../duration.ts'
import { allFlag, described, type ScopeFlags, scopeFlags, scopeOfChange, scopeWords } from '../scope.ts'

interface SweepFlags extends ScopeFlags {
  age?: string
  runtime?: string
  action?: string
}

const verbs = { cancel: ['would cancel', 'cancelled'], fail: ['would fail', 'failed'] } as const

export const sweep: CommandSpec<SweepFlags> = {
  name: 'sweep',
  group: 'CHANGE',
  summary: 'cancel or fail jobs past their limits',
  about: 'Ends queued jobs that are too old, and processing jobs that have run for too long.',
  examples: [
    'jobsctl sweep --domain chatbooks --age 1d --runtime 2h --dry-run',
    'jobsctl sweep --domain chatbooks --queue default --runtime 2h --action fail --yes',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    { flags: '--age <duration>', about: 'queued jobs created at least this long ago', group: 'WHICH JOBS' },
    { flags: '--runtime <duration>', about: 'processing jobs picked up at least this long ago', group: 'WHICH JOBS' },
    { flags: '--action <action>', about: 'cancel or fail (default: cancel)', group: 'HOW' },
  ],
  changes: true,
  async run(context, flags) {
    const { sweep: op, SweepRequest } = await import('../../shared/sweep.ts')
    const { parsed } = await import('../faults.ts')
    const { guarded } = await import('../guard.ts')
    if (flags.age === undefined && flags.runtime === undefined) {
      throw new Failure('usage', 'which jobs? give --age, --runtime or both', { hint: '--age 1d --runtime 2h' })
    }
    const scope = scopeOfChange(flags)
    const age_seconds = flags.age === undefined ? undefined : seconds(flags.age, '--age')
    const runtime_seconds = flags.runtime === undefined ? undefined : seconds(flags.runtime, '--runtime')
    const { action } = parsed(SweepRequest, { age_seconds, runtime_seconds, action: flags.action, ...scope })
    const request = { age_seconds, runtime_seconds, action, ...scope }
    const [wouldDo, did] = verbs[action]
    const where = described(scope)
    return guarded(context, {
      name: 'sweep',
      op,
      requests: [request],
      preview: (request) => ({ ...request, dry_run: true }),
      bounded: (request, max) => ({ ...request, max }),
      count: ({ affected }) => affected,
      say: (jobs, done) => `${done ? did : wouldDo} ${jobs} in ${where}`,
      facts: request,
      words: [
        'sweep',
        ...scopeWords(scope, flags.all),
        ...(age_seconds === undefined ? [] : ['--age', durationText(age_seconds)]),
        ...(runtime_seconds === undefined ? [] : ['--runtime', durationText(runtime_seconds)]),
        ...(action === 'cancel' ? [] : ['--action', action]),
      ],
    })
  },
}
