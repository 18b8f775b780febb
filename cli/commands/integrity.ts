import type { IntegrityResult } from '../../shared/changes/integrity.ts'
import { Failure } from '../../shared/errors.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import { describeFilter, type FilterFlags, filterFlags, filterOf, filterWords } from '../settings/flags/filter-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, scopeFlags, scopeOf, scopeOfChange } from '../settings/flags/scope-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { jobsText } from '../text/numbers.ts'

interface IntegrityFlags extends FilterFlags {
  fix?: boolean
  trustServer?: boolean
}

export const integrity: CommandSpec<IntegrityFlags> = {
  name: 'integrity',
  group: 'CHANGE',
  summary: 'report broken invariants; --fix repairs them',
  about:
    'Reports jobs that are not running but have a lease, and running jobs whose lease has expired. With --fix, clears the leases and puts the running jobs back in the queue. Over another engine it reports what keeps jobs from going on, each with what to do; over graphile-worker, --fix frees the jobs of pools whose process is gone.',
  examples: [
    'jobsctl integrity --all',
    'jobsctl integrity --all --detailed-exitcode -q',
    'jobsctl integrity --domain chatbooks --worker pod-17 --fix',
    'jobsctl integrity --domain graphile_worker --worker worker-pool-3f --fix',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    ...flagsIn('HOW', {
      '--fix': 'repair the jobs that break an invariant',
      '--trust-server': 'accept what another server than jobs-server counts',
    }),
    ...filterFlags,
  ],
  rows: (_operands, { fix }: IntegrityFlags) => (fix ? undefined : [{ title: 'check' }, count, ...more]),
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

/** What only the checks of other engines say. */
const more: Column<Check>[] = ['at_least', 'domain', 'ids'].map((title) => ({ title, value: () => '' }))

async function report(context: Context, flags: IntegrityFlags): Promise<Ending> {
  const { integrity: endpoint } = await import('../../shared/changes/integrity.ts')
  const { brokenCount, integrityRequest } = await import('../changes/integrity.ts')
  const { settings, print, retyped } = context
  const { refuseWithoutFix } = await import('../guard/guard-flags.ts')
  refuseWithoutFix(context.flags)
  const { checkFields } = await import('../changes/request-fields.ts')
  const filter = filterOf(await withWholeCluster(context, flags))
  const request = integrityRequest(filter)
  const answer = await answerOf(context, endpoint, { fix: false, ...request })
  if (!answer) return 'ok'
  const { body, raw } = answer
  if (body.checks) {
    const { reportChecks } = await import('./integrity/engine-checks.ts')
    return reportChecks(context, body.checks, { raw, where: describeFilter(filter) })
  }
  const total = brokenCount(body)
  checkFields('integrity', [request])(await context.client(), [body])
  if (body.preview === undefined && !flags.trustServer) {
    if (settings.detailedExitcode)
      throw otherDefinition(context, await context.client(), [...filterWords(filter, flags.all), '--detailed-exitcode'])
    print.aside(`note: ${otherDefinitionText((await context.client()).target.name)}`)
  }
  print.rows({
    columns: [{ title: 'check', value: ({ check }) => check }, count],
    more,
    forPeople: [{ title: 'check', value: ({ title }) => title }, count],
    rows: total > 0 ? checksOf(body) : [],
    json: raw,
    empty: `no job breaks an invariant in ${describeFilter(filter).replace(/^all domains/, 'any domain')}`,
  })
  if (print.forPeople && total > 0) {
    const words = retyped(['integrity', ...filterWords(filter, true), '--fix'])
    print.aside(`\n${jobsText(total)} ${total === 1 ? 'breaks' : 'break'} an invariant. To repair:  ${words}`)
  }
  if (print.forPeople && total === 0) {
    const { noteUnknownScope } = await import('../guard/known-scope.ts')
    await noteUnknownScope(context, scopeOf(flags))
  }
  return settings.detailedExitcode && total > 0 ? 'would_change' : 'ok'
}

async function fix(context: Context, flags: IntegrityFlags): Promise<Ending> {
  const { integrityChange, integrityRequest } = await import('../changes/integrity.ts')
  const { guardChange } = await import('../guard/guard.ts')
  const { checkFields } = await import('../changes/request-fields.ts')
  scopeOfChange(flags)
  const filter = filterOf(await withWholeCluster(context, flags))
  const request = integrityRequest(filter)
  const words = ['integrity', ...filterWords(filter, flags.all), '--fix']
  const change = integrityChange(request, [...words, ...(flags.trustServer ? ['--trust-server'] : [])])
  const checkServer = (client: Client, answers: readonly IntegrityResult[]) => {
    if (answers.some(({ checks, preview }) => checks && !preview)) throw notRepaired(context, words.slice(1, -1))
    checkFields('integrity', [request])(client, answers)
    if (flags.trustServer || answers.every(({ preview }) => preview !== undefined)) return
    throw otherDefinition(context, client, words.slice(1))
  }
  return guardChange(context, { ...change, checkServer })
}

/** Only jobs-server sends a preview, and only its definition of broken jobs is known here. */
const otherDefinitionText = (server: string): string =>
  `${server} is not jobs-server and may count healthy jobs as broken, such as finished jobs that keep the name of their worker`

function otherDefinition({ another }: Context, { target }: Client, words: readonly string[]): Failure {
  return new Failure('usage', `${otherDefinitionText(target.name)}; nothing was changed`, {
    hint: `to accept its counts: ${another(['integrity', ...words, '--trust-server'])}`,
  })
}

const notRepaired = ({ another }: Context, words: readonly string[]): Failure =>
  new Failure(
    'not_supported',
    'this server repairs none of these jobs: it only looks, or their engine repairs them itself; nothing was changed',
    {
      hint: `what is wrong, and what to do about each kind: ${another(['integrity', ...words])}`,
    },
  )
