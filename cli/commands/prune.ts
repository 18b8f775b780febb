import type { PruneGroup, PruneRequest } from '../../shared/prune.ts'
import type { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { days } from '../duration.ts'
import { grouped } from '../numbers.ts'
import { allFlag, described, type ScopeFlags, scopeFlags, scopeOfChange, scopeWords } from '../scope.ts'
import type { Column } from '../table.ts'

interface PruneFlags extends ScopeFlags {
  olderThan?: string
  status?: string[]
}

const usual = ['completed', 'failed', 'cancelled']

export const prune: CommandSpec<PruneFlags> = {
  name: 'prune',
  group: 'CHANGE',
  summary: 'delete finished jobs past retention',
  about: 'Deletes finished jobs that ended too long ago, with their attachments and dependencies. Never live work.',
  examples: [
    'jobsctl prune --domain chatbooks --older-than 30d --dry-run',
    'jobsctl prune --domain chatbooks --older-than 30d --max 50000 --yes',
    'jobsctl prune --all --status quarantined --older-than 26w',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    { flags: '--older-than <duration>', about: 'whole days since it ended (default: 30d)', group: 'WHICH JOBS' },
    {
      flags: '--status <status...>',
      about: 'completed, failed, cancelled, quarantined (default: the first three)',
      group: 'WHICH JOBS',
      many: true,
    },
  ],
  changes: true,
  async run(context, flags) {
    const { prune: op, PruneRequest } = await import('../../shared/prune.ts')
    const { parsed } = await import('../faults.ts')
    const { guarded } = await import('../guard.ts')
    const scope = scopeOfChange(flags)
    const older_than_days = days(flags.olderThan ?? '30d', '--older-than')
    const { statuses } = parsed(PruneRequest, { statuses: flags.status, older_than_days, ...scope })
    const request = { statuses, older_than_days, ...scope }
    const where = described(scope)
    return guarded(context, {
      name: 'prune',
      op,
      requests: [request],
      preview: (request) => ({ ...request, dry_run: true }),
      bounded: (request, max) => ({ ...request, dry_run: false, max }),
      count: ({ deleted }) => deleted,
      say: (jobs, done) => `${done ? 'deleted' : 'would delete'} ${jobs} in ${where}`,
      facts: request,
      words: [
        'prune',
        ...scopeWords(scope, flags.all),
        ...['--older-than', `${older_than_days}d`],
        ...(statuses.join() === usual.join() ? [] : ['--status', statuses.join(',')]),
      ],
      details: (client, { answers: [answer] }) => details(context, client, request, answer?.asOf),
    })
  },
}

type Asked = Pick<PruneRequest, 'statuses' | 'older_than_days' | 'domain' | 'queue' | 'job_type'>

const columns: Column<PruneGroup>[] = [
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}` },
  { title: 'type', value: ({ job_type }) => job_type },
  { title: 'status', value: ({ status }) => status },
  { title: 'delete', value: ({ count }) => count },
  { title: 'keep', value: ({ keep }) => keep ?? 0 },
  { title: 'oldest', value: ({ oldest }) => oldest?.slice(0, 10) ?? '' },
]

const most = 20

/** What would go and what would stay, group by group, at the time of the preview. */
async function details({ print }: Context, client: Client, request: Asked, asOf: string | undefined) {
  const { prune: op } = await import('../../shared/prune.ts')
  const { stats } = await import('../../shared/stats.ts')
  const { domain, queue, job_type, older_than_days } = request
  const preview = { ...request, dry_run: true, detail_top_k: most, include_kept: true }
  const { body } = await client.call(op, preview, { asOf })
  const live = await client.call(stats, { domain, queue, job_type })
  const unfinished = live.body.reduce((sum, row) => sum + row.queued + row.scheduled + row.processing, 0)

  const { deleted, kept = 0, groups = [] } = body
  const before = new Date(Date.parse(asOf ?? new Date().toISOString()) - older_than_days * 86_400_000)
  const ended = `${before.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const shown = groups.reduce((sum, { count }) => sum + count, 0)
  const rest = deleted > shown ? `and ${grouped(deleted - shown)} in smaller groups\n` : ''
  return [
    `Would delete finished jobs in ${described(request)} that ended before ${ended}\n`,
    `${print.table(columns, groups)}${rest}`,
    `${grouped(deleted)} of ${grouped(deleted + kept)} finished jobs would be deleted; ` +
      `${grouped(unfinished)} unfinished jobs are not eligible.`,
  ].join('\n')
}
