import type { CommandSpec } from '../context.ts'
import { type SelectionFlags, selectionFlags, selectionOf } from '../settings/flags/selection-flags.ts'

interface CancelFlags extends SelectionFlags {
  force?: boolean
}

export const cancel: CommandSpec<CancelFlags> = {
  name: 'cancel',
  group: 'CHANGE',
  summary: 'cancel queued jobs, and ask running jobs to end',
  about:
    'Cancels queued jobs and the jobs that depend on them, and asks the workers of running jobs to end them. The reason of --reason stands in each job.',
  examples: [
    'jobsctl cancel 8123 8124',
    'jobsctl cancel --domain chatbooks --status queued --owner alice --dry-run',
    'jobsctl cancel --domain chatbooks --queue low --force --max 500 --yes',
  ],
  operands: '[ids...]',
  flags: [...selectionFlags, { flags: '--force', about: 'end running jobs at once; workers lose them', group: 'HOW' }],
  changes: true,
  async run(context, flags, ids) {
    const { cancelChange, cancelEach } = await import('../changes/cancel.ts')
    const { guardFiltered } = await import('../changes/filtered.ts')
    const selected = await selectionOf(context, flags, ids)
    const { reason } = context.flags
    const own = { ...(flags.force && { force: true }), ...(reason !== undefined && { reason }) }
    const words = ['cancel', ...selected.words, ...(flags.force ? ['--force'] : [])]
    const change = cancelChange({ ...selected.fields, ...own }, words)
    if (ids.length === 0) return guardFiltered(context, flags, change)
    return guardFiltered(context, flags, change).catch(async (error: unknown) => {
      const { needsDomain, requestsInDomains } = await import('../changes/domains-of-ids.ts')
      if (!needsDomain(error)) throw error
      const { jobIdsOf } = await import('../settings/job-id.ts')
      const requests = await requestsInDomains(await context.client(), [...new Set(jobIdsOf(ids))])
      return guardFiltered(
        context,
        flags,
        cancelEach(
          requests.map((request) => ({ ...request, ...own })),
          words,
        ),
      )
    })
  },
}
