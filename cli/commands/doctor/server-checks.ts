import { showCaller } from '../../../shared/access/caller.ts'
import { notReported } from '../../../shared/doctor/findings/finding.ts'
import { Failure } from '../../../shared/errors.ts'
import { problemOf } from '../../../shared/problem.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { version } from '../../../shared/version.ts'
import type { Context } from '../../context.ts'
import { wantsDomain } from '../../http/response-errors.ts'
import { findingOfCaller } from './caller.ts'
import { lookAtEngine } from './engine.ts'
import {
  type Check,
  isRefusedByDatabase,
  judgedAnswer,
  type Outcome,
  ok,
  skipped,
  warning,
  whereAllowed,
} from './outcome.ts'

/** Checks of the server that any command needs: that it answers, its clock, its database, the key, the limit, whose jobs it works on. */
export const serverChecks: readonly Check[] = [
  { name: 'server', look: server },
  { name: 'clock', look: clock },
  { name: 'database', look: database },
  { name: 'access', look: (context) => whereAllowed(access(context)) },
  { name: 'caller', look: judgedAnswer(showCaller, findingOfCaller) },
  { name: 'bounds', look: (context) => whereAllowed(bounds(context)) },
  { name: 'engine', look: lookAtEngine },
]

async function server(context: Context): Promise<Outcome> {
  const client = await context.client()
  const { status } = await client.probe('/healthz')
  if (status !== 200) return warning(`/healthz answers ${status}`, notReported.hint)
  const { showSession } = await import('../../../shared/access/session.ts')
  // Any call of the API says the version from 0.2.0 on; this one needs no key.
  const told = (await client.probe(showSession.path)).headers['x-jobs-version']
  return ok(typeof told === 'string' ? `answers; ${versionText(escaped(told))}` : 'answers')
}

const versionText = (told: string): string =>
  told === version
    ? `version ${told}`
    : `version ${told}, and this jobsctl is ${version}: what one of the two does not know is refused`

const mostSkewMs = 30_000

async function clock(context: Context): Promise<Outcome> {
  const { headers } = await (await context.client()).probe('/healthz')
  const skewMs = Math.abs(Date.now() - Date.parse(String(headers.date)))
  if (Number.isNaN(skewMs) || skewMs < mostSkewMs) return ok('agrees with the server')
  return warning(
    `the clock of this machine is ${Math.round(skewMs / 1000)} s from the clock of the server`,
    'times in answers are by the clock of the server',
  )
}

async function database(context: Context): Promise<Outcome> {
  const { status, json } = await (await context.client()).probe('/readyz')
  if (status === 200) return ok('the server reaches it, and has the tables that it needs')
  if (status === 404) return warning(notReported.detail, notReported.hint)
  const { detail } = problemOf(json)
  const why = detail === undefined ? '' : `: ${escaped(detail)}`
  throw new Failure('database_unavailable', `/readyz answers ${status}${why}`, { hint: 'read the log of the server' })
}

async function access(context: Context): Promise<Outcome> {
  const { stats } = await import('../../../shared/queues/stats.ts')
  const answer = await unlessDomainWanted((await context.client()).call(stats, {}, { isFinal: isRefusedByDatabase }))
  if (!answer) return warning('the server shows this key one domain at a time', 'jobsctl stats --domain chatbooks')
  const { length } = answer.body
  return ok(`the key may read: ${length} ${length === 1 ? 'group' : 'groups'} of jobs`)
}

async function bounds(context: Context): Promise<Outcome> {
  const { prune } = await import('../../../shared/changes/prune.ts')
  const call = (await context.client()).call(
    prune,
    { dry_run: true, older_than_days: 3650 },
    { isFinal: isRefusedByDatabase },
  )
  const answer = await unlessDomainWanted(call).catch(skippedByEngine)
  if (answer && 'result' in answer) return answer
  if (!answer) {
    const hint = 'jobsctl prune --domain chatbooks --dry-run'
    return warning('not checked, since the server wants a domain to be named', hint)
  }
  if (answer.body.preview) return ok('the server enforces --max and holds a change to its preview')
  return warning('the server does not enforce --max', 'jobsctl counts the jobs itself, right before a change')
}

/** The answer of a call about all domains; undefined where the server wants one to be named. */
const unlessDomainWanted = <Answer>(call: Promise<Answer>): Promise<Answer | undefined> =>
  call.catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error
    const isKept = error.code === 'forbidden' && wantsDomain(error.message)
    // A server over several engines refuses a change of the jobs of all of them, and its preview.
    const isOfOne = error.code === 'not_supported' && error.message.includes('about the jobs of one domain')
    if (isKept || isOfOne) return undefined
    throw error
  })

/** The outcome where there is no preview, such as of a map without `prune`, or for rows of other tables that refer to jobs. */
function skippedByEngine(error: unknown): Outcome {
  if (error instanceof Failure && error.code === 'not_supported') return skipped(error)
  throw error
}
