import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { type FilterFlags, filterFlags, filterOf } from '../settings/flags/filter-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, mustExistFlag, scopeFlags } from '../settings/flags/scope-flags.ts'
import { idsFileFlag, idsIn } from '../settings/flags/selection-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { jobIdsOf } from '../settings/job-id.ts'
import { type Goal, goals } from './wait/states.ts'
import type { Wanted } from './wait/wait-for.ts'

interface WaitFlags extends FilterFlags {
  for?: string
  idsFile?: string
  mustExist?: boolean
}

export const wait: CommandSpec<WaitFlags> = {
  name: 'wait',
  group: 'READ',
  summary: 'until jobs are completed, or in another state',
  about:
    'Waits until each of the jobs is completed, has ended, or is in the state of --for. Exit 0: all are; 6: one has ended in another state; 5: one is not there; 7: the time of --timeout is over (default: 2m). The jobs of a filter are those that match when the command begins. Prints nothing in a pipe.',
  examples: [
    'jobsctl wait 8123 --timeout 5m',
    'jobsctl wait --batch nightly-42 --for ended --timeout 2h',
    'jobsctl wait --domain chatbooks --status queued,processing --timeout 30m && ./deploy',
    'jobsctl list --batch nightly-42 --ids | jobsctl wait --ids-file - --for ended',
  ],
  operands: '[ids...]',
  flags: [
    ...scopeFlags,
    allFlag,
    mustExistFlag,
    idsFileFlag,
    ...filterFlags,
    ...flagsIn('HOW', {
      '--for <state>': {
        about: 'completed (default), ended, or one state; processing: or was',
        values: goals,
      },
    }),
  ],
  async run(context, flags, operands) {
    const goal = goalOf(flags.for)
    const jobs = await jobsOf(context, flags, operands)
    if (context.settings.curl)
      throw new Failure('usage', '--curl prints one call, and wait makes several', {
        hint: 'jobsctl list --curl prints the call that tells the states',
      })
    const { waitFor } = await import('./wait/wait-for.ts')
    return waitFor(context, { goal, ...jobs })
  },
}

function goalOf(given = 'completed'): Goal {
  const goal = goals.find((goal) => goal === given.trim().toLowerCase())
  if (goal) return goal
  throw new Failure('usage', `--for: must be one of ${goals.join(', ')}`)
}

/** @throws Failure `usage` for jobs that are named in two ways, or not at all */
async function jobsOf(
  context: Parameters<typeof wait.run>[0],
  flags: WaitFlags,
  operands: string[],
): Promise<Pick<Wanted, 'ids' | 'filter' | 'mustExist'>> {
  const { domain, ...narrowing } = filterOf(flags)
  const named = operands.length > 0 || flags.idsFile !== undefined
  if (named && (Object.keys(narrowing).length > 0 || flags.all || (operands.length > 0 && flags.idsFile !== undefined)))
    throw new Failure('usage', 'ids, --ids-file and a filter exclude each other; ids go with --domain')
  const mustExist = flags.mustExist ?? false
  if (named) {
    const ids = flags.idsFile === undefined ? jobIdsOf(operands) : await idsIn(context, flags.idsFile, 'read')
    return { ids: [...new Set(ids)], filter: { ...(domain !== undefined && { domain }) }, mustExist }
  }
  const filter = filterOf(await withWholeCluster(context, flags))
  const { listJobs } = await import('../../shared/jobs/list.ts')
  const { parseInput } = await import('../settings/flags/flag-errors.ts')
  parseInput(listJobs.input, filter)
  if (Object.keys(filter).length > 0 || flags.all) return { ids: undefined, filter, mustExist }
  throw new Failure('usage', 'wait needs ids, or a filter', {
    hint: 'jobsctl wait 8123, jobsctl wait --domain chatbooks, or --all to mean every domain',
  })
}
