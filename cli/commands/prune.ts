import type { CommandSpec } from '../context.ts'
import { type ScopedFilterFlags, scopedFilterFlags, scopedFilterOf } from '../settings/flags/filter-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, mustExistFlag, scopeFlags } from '../settings/flags/scope-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { days } from '../text/duration.ts'

interface PruneFlags extends ScopedFilterFlags {
  olderThan?: string
  status?: string[]
  withForeignRows?: boolean
  passOverForeign?: boolean
  archive?: boolean
}

const usual = ['completed', 'failed', 'cancelled']

export const prune: CommandSpec<PruneFlags> = {
  name: 'prune',
  group: 'CHANGE',
  summary: 'delete finished jobs past retention',
  about: 'Deletes finished jobs past retention, with attachments and edges; never a live job.',
  examples: [
    'jobsctl prune --domain chatbooks --older-than 30d --dry-run',
    'jobsctl prune --domain chatbooks --older-than 30d --max 50000 --yes',
    'jobsctl prune --all --status quarantined --older-than 26w',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    mustExistFlag,
    ...flagsIn('WHICH JOBS', {
      '--older-than <duration>': 'whole days since the job ended (default: 30d)',
      '--status <status...>': {
        about: 'completed, failed, cancelled, quarantined (default: the first three)',
        many: 'list',
        values: ['completed', 'failed', 'cancelled', 'quarantined'],
      },
    }),
    {
      flags: '--with-foreign-rows',
      about: 'also delete rows of other tables that go along; no undo for them',
      group: 'HOW',
    },
    {
      flags: '--pass-over-foreign',
      about: 'leave out jobs that foreign keys of other tables keep',
      group: 'WHICH JOBS',
    },
    { flags: '--no-archive', about: 'delete without a copy in the archive; no undo', group: 'HOW' },
    ...scopedFilterFlags,
  ],
  changes: true,
  async run(context, flags) {
    const { pruneChange, pruneRequest } = await import('../changes/prune.ts')
    const { guardChange } = await import('../guard/guard.ts')
    const { scope, fields, words: which } = scopedFilterOf(await withWholeCluster(context, flags))
    const archived = flags.archive ?? true
    const older_than_days = days(flags.olderThan ?? '30d', '--older-than')
    const request = pruneRequest({
      statuses: flags.status,
      older_than_days,
      ...fields,
      with_foreign_rows: flags.withForeignRows ?? false,
      pass_over_foreign: flags.passOverForeign ?? false,
      no_archive: !archived,
    })
    const words = [
      'prune',
      ...which,
      '--older-than',
      `${older_than_days}d`,
      ...(flags.withForeignRows ? ['--with-foreign-rows'] : []),
      ...(flags.passOverForeign ? ['--pass-over-foreign'] : []),
      ...(archived ? [] : ['--no-archive']),
      ...(request.statuses.join() === usual.join() ? [] : ['--status', request.statuses.join(',')]),
    ]
    return guardChange(context, { ...pruneChange(context, request, words), scope, mustExist: flags.mustExist ?? false })
  },
}
