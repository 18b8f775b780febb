import type { IntegrityResult } from '../../shared/changes/integrity.ts'
import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import { jobsText } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import {
  allFlag,
  describeScope,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeOfChange,
  scopeWords,
} from '../settings/scope-flags.ts'

interface IntegrityFlags extends ScopeFlags {
  fix?: boolean
}

export const integrity: CommandSpec<IntegrityFlags> = {
  name: 'integrity',
  group: 'CHANGE',
  summary: 'report broken invariants; --fix repairs them',
  about:
    'Reports jobs that are not running but have a lease, and running jobs whose lease has expired. With --fix, clears the leases and puts the running jobs back in the queue.',
  examples: [
    'jobsctl integrity --all',
    'jobsctl integrity --all --detailed-exitcode -q',
    'jobsctl integrity --domain chatbooks --fix',
  ],
  flags: [...scopeFlags, allFlag, { flags: '--fix', about: 'repair the jobs that break an invariant', group: 'HOW' }],
  changes: true,
  async run(context, flags) {
    return flags.fix ? fix(context, flags) : report(context, flags)
  },
}

interface Check {
  check: string
  title: string
  jobs: number
}

const checksOf = (found: IntegrityResult): Check[] => [
  {
    check: 'non_processing_with_lease',
    title: 'lease held by a job that is not running',
    jobs: found.non_processing_with_lease,
  },
  { check: 'processing_expired', title: 'running job whose lease has expired', jobs: found.processing_expired },
]

const count: Column<Check> = {
  title: 'jobs',
  value: ({ jobs }) => jobs,
  paint: ({ jobs }) => (jobs > 0 ? 'yellow' : undefined),
}

async function report(context: Context, flags: IntegrityFlags): Promise<Ending> {
  const { integrity: endpoint } = await import('../../shared/changes/integrity.ts')
  const { brokenCount, integrityRequest } = await import('../changes/integrity.ts')
  const { settings, print, retyped } = context
  if (settings.yes) throw new Failure('usage', '--yes needs --fix: integrity without --fix changes nothing')
  if (settings.planOut !== undefined) {
    throw new Failure('usage', '--plan-out needs --fix: integrity without --fix changes nothing')
  }
  const scope = scopeOf(flags)
  const request = { fix: false, ...integrityRequest(scope) }
  if (settings.curl) {
    print.text(curlOf(context, endpoint, request))
    return 'ok'
  }
  const { body, raw } = await (await context.client()).call(endpoint, request)
  const total = brokenCount(body)
  print.rows({
    columns: [{ title: 'check', value: ({ check }) => check }, count],
    forPeople: [{ title: 'check', value: ({ title }) => title }, count],
    rows: total > 0 ? checksOf(body) : [],
    json: raw,
    empty: `no job breaks an invariant in ${describeScope(scope)}`,
  })
  if (print.forPeople && total > 0) {
    const words = retyped(['integrity', ...scopeWords(scope, true), '--fix'])
    print.aside(`\n${jobsText(total)} ${total === 1 ? 'breaks' : 'break'} an invariant. To repair:  ${words}`)
  }
  return settings.detailedExitcode && total > 0 ? 'would_change' : 'ok'
}

async function fix(context: Context, flags: IntegrityFlags): Promise<Ending> {
  const { integrityChange, integrityRequest } = await import('../changes/integrity.ts')
  const { guardChange } = await import('../guard/guard.ts')
  const scope = scopeOfChange(flags)
  const words = ['integrity', ...scopeWords(scope, flags.all), '--fix']
  return guardChange(context, integrityChange(integrityRequest(scope), words))
}
