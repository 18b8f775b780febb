import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { type Check, notJobsServer, type Outcome, ok, warning } from './outcome.ts'

/** Checks of the server that any command needs: that it answers, its clock, its database, the key, the limit. */
export const serverChecks: readonly Check[] = [
  { name: 'server', look: server },
  { name: 'clock', look: clock },
  { name: 'database', look: database },
  { name: 'access', look: access },
  { name: 'bounds', look: bounds },
]

async function server(context: Context): Promise<Outcome> {
  const { status } = await (await context.client()).probe('/healthz')
  return status === 200 ? ok('answers') : warning(`/healthz answers ${status}`, notJobsServer)
}

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
  const { status } = await (await context.client()).probe('/readyz')
  if (status === 200) return ok('the server reaches it, and its schema is current')
  if (status === 404) return warning('this server does not report it', notJobsServer)
  throw new Failure('database_unavailable', `/readyz answers ${status}`, { hint: 'read the log of the server' })
}

async function access(context: Context): Promise<Outcome> {
  const { stats } = await import('../../shared/queues/stats.ts')
  const { body } = await (await context.client()).call(stats, {})
  return ok(`the key may read: ${body.length} groups of jobs`)
}

async function bounds(context: Context): Promise<Outcome> {
  const { prune } = await import('../../shared/changes/prune.ts')
  const { body } = await (await context.client()).call(prune, { dry_run: true, older_than_days: 3650 })
  if (body.preview) return ok('the server enforces --max and holds a change to its preview')
  return warning('the server does not enforce --max', 'jobsctl counts the jobs itself, right before a change')
}
