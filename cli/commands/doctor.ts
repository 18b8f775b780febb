import type { z } from 'zod'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure, failures } from '../../shared/errors.ts'
import { type Exit, exits } from '../../shared/exits.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import type { Finding } from '../doctor/counts-and-indexes.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'

export const doctor: CommandSpec = {
  name: 'doctor',
  group: 'SETUP',
  summary: 'check config, key, server and database',
  about: 'Checks, one after the other, what a command needs: config, target, key, server, database, clock.',
  examples: ['jobsctl doctor', 'jobsctl doctor --profile prod --json'],
  flags: [],
  async run(context) {
    const found: Checked[] = []
    for (const check of checks) {
      const finding = await check.look(context).catch(explained)
      found.push({ check: check.name, ...finding })
      if (finding.exit !== 'ok') break // what follows stands on it
    }
    return report(context, found)
  },
}

interface Outcome {
  result: 'ok' | 'warning' | 'failed'
  detail: string
  hint: string
  exit: Exit
}
type Checked = Outcome & { check: string }

const ok = (detail: string): Outcome => ({ result: 'ok', detail, hint: '', exit: 'ok' })
const warning = (detail: string, hint: string): Outcome => ({ result: 'warning', detail, hint, exit: 'ok' })

function explained(error: unknown): Outcome {
  if (!(error instanceof Failure)) throw error
  const hint = error.hint?.startsWith('jobsctl doctor') ? '' : (error.hint ?? '')
  return { result: 'failed', detail: error.message, hint, exit: failures[error.code].exit }
}

const checks: { name: string; look: (context: Context) => Promise<Outcome> }[] = [
  { name: 'config', look: config },
  { name: 'target', look: target },
  { name: 'key', look: key },
  { name: 'server', look: server },
  { name: 'clock', look: clock },
  { name: 'database', look: database },
  { name: 'access', look: access },
  { name: 'bounds', look: bounds },
  { name: 'counts', look: counts },
  { name: 'indexes', look: indexes },
  { name: 'history', look: history },
]

async function config({ io }: Context): Promise<Outcome> {
  const { configPath, readConfig } = await import('../settings/config.ts')
  const path = configPath(io)
  const { profiles } = await readConfig(path)
  const count = Object.keys(profiles).length
  const place = path ?? 'nowhere, for no home is known'
  return ok(count === 0 ? `${place}: no profiles` : `${place}: ${count} profiles`)
}

async function target(context: Context): Promise<Outcome> {
  const { url, from } = await context.target()
  return ok(`${url.href} (${from})`)
}

async function key(context: Context): Promise<Outcome> {
  const { credential, credentialFrom } = await context.target()
  if (credential) return ok(`${credential.header} (${credentialFrom})`)
  throw new Failure('unauthenticated', 'there is no key for this target', {
    hint: 'set JOBSCTL_API_KEY beside JOBSCTL_URL, or give --api-key-file',
  })
}

async function server(context: Context): Promise<Outcome> {
  const { status } = await (await context.client()).probe('/healthz')
  return status === 200 ? ok('answers') : warning(`/healthz answers ${status}`, 'fine for a server that is not ours')
}

const mostSkew = 30_000

async function clock(context: Context): Promise<Outcome> {
  const { headers } = await (await context.client()).probe('/healthz')
  const skew = Math.abs(Date.now() - Date.parse(String(headers.date)))
  if (Number.isNaN(skew) || skew < mostSkew) return ok('agrees with the server')
  return warning(`${Math.round(skew / 1000)} s from the server's`, 'times are shown by the clock of the server')
}

async function database(context: Context): Promise<Outcome> {
  const { status } = await (await context.client()).probe('/readyz')
  if (status === 200) return ok('reached, and its schema is current')
  if (status === 404) return warning('the server does not tell', 'fine for a server that is not ours')
  throw new Failure('database_unavailable', `/readyz answers ${status}`, { hint: 'the log of the server says why' })
}

async function access(context: Context): Promise<Outcome> {
  const { stats } = await import('../../shared/queues/stats.ts')
  const { body } = await (await context.client()).call(stats, {})
  return ok(`the key may read: ${body.length} groups of jobs`)
}

async function bounds(context: Context): Promise<Outcome> {
  const { prune } = await import('../../shared/changes/prune.ts')
  const { body } = await (await context.client()).call(prune, { dry_run: true, older_than_days: 3650 })
  if (body.preview) return ok('the server keeps --max, and previews bind')
  return warning('the server knows no max', 'jobsctl checks the count itself, right before a change')
}

async function history(context: Context): Promise<Outcome> {
  const { storage } = await import('../../shared/doctor/storage.ts')
  const { findingOfStorage } = await import('../doctor/storage.ts')
  return told(context, storage, (stored) => findingOfStorage(stored, Date.now()))
}

async function counts(context: Context): Promise<Outcome> {
  const { checkCounts } = await import('../../shared/doctor/counts.ts')
  const { findingOfCounts } = await import('../doctor/counts-and-indexes.ts')
  return told(context, checkCounts, findingOfCounts)
}

async function indexes(context: Context): Promise<Outcome> {
  const { idleIndexes } = await import('../../shared/doctor/idle-indexes.ts')
  const { findingOfIndexes } = await import('../doctor/counts-and-indexes.ts')
  return told(context, idleIndexes, findingOfIndexes)
}

/** What only a server of ours tells of itself. */
async function told<Out extends z.ZodType>(
  context: Context,
  endpoint: Endpoint<z.ZodObject, Out>,
  judged: (body: z.output<Out>) => Finding,
): Promise<Outcome> {
  try {
    const { body } = await (await context.client()).call(endpoint, {})
    const { detail, hint } = judged(body)
    return hint === undefined ? ok(detail) : warning(detail, hint)
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error
    return warning('the server does not tell', 'fine for a server that is not ours')
  }
}

const columns: Column<Checked>[] = [
  { title: 'check', value: ({ check }) => check },
  {
    title: 'result',
    value: ({ result }) => result,
    paint: ({ result }) => (({ ok: 'green', warning: 'yellow', failed: 'red' }) as const)[result],
  },
  { title: 'detail', value: ({ detail }) => detail },
  { title: 'hint', value: ({ hint }) => hint },
]

function report({ print }: Context, found: Checked[]): Ending {
  const json = found.map(({ check, result, detail, hint }) => ({ check, result, detail, hint }))
  print.rows({ columns, rows: found, json, empty: '' })
  const worst = found.find(({ exit }) => exit !== 'ok')
  if (worst) print.aside(`\n${worst.check}: ${worst.detail} (exit ${exits[worst.exit].code})`)
  return worst?.exit ?? 'ok'
}
