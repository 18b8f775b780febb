import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { commandLine } from '../../shared/text/shell.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import type { Context } from '../context.ts'
import { type BulkChange, countOf } from '../guard/change.ts'
import { decide, openRun } from '../guard/guard.ts'
import { type Plan, requireSameServer } from '../guard/plan-file.ts'
import { printCurl } from '../guard/print-curl.ts'
import { bulkPart } from '../guard/tally.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import { jobsText, sumOf } from '../text/numbers.ts'
import { changeOfPlan } from './all.ts'

/**
 * Confirms and applies the change of a plan as the guard does, bound by the preview tokens of the plan.
 * @throws Failure `usage` for a plan of another server, or a plan whose requests the API would reject
 */
export async function applyPlan(context: Context, path: string, plan: Plan): Promise<Ending> {
  await requireSameServer(context, path, plan, 'changed')
  const use = <In extends z.ZodType, Out extends z.ZodType>(change: BulkChange<In, Out>): Promise<Ending> =>
    applyPlanned(context, path, plan, change)
  return changeOfPlan(context, plan, use).catch((error: unknown) => {
    throw error instanceof Failure && error.code === 'preview_stale' ? withNewPreviewHint(context, plan, error) : error
  })
}

async function applyPlanned<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  path: string,
  plan: Plan,
  change: BulkChange<In, Out>,
): Promise<Ending> {
  const { calls } = plan
  const previews = calls.map(({ preview }) => preview)
  const planned: BulkChange<In, Out> = {
    ...change,
    goAhead: ['apply', path],
    details: async () => ({ head: planHead(plan) }),
    // The file may show a smaller count than its token allows; the person confirms the count that the file shows.
    bounded: (request, { max = Number.POSITIVE_INFINITY, ...bound }) => {
      const shown = previews[change.requests.indexOf(request)]?.count ?? 0
      return change.bounded(request, { ...bound, max: Math.max(1, Math.min(max, shown)) })
    },
  }
  if (context.settings.curl) {
    return printCurl(
      context,
      planned,
      previews.map(({ token }) => token),
    )
  }
  if (plan.reason !== undefined) context.useReason(plan.reason)
  const run = await openRun(context, planned)
  const max = context.settings.max ?? plan.max ?? run.max
  const plannedCounts = previews.map(({ count }) => count)
  const counts = context.settings.dryRun ? await checkPlan(context, run.client, { plan, change }) : plannedCounts
  return decide({ ...run, max }, { answers: [], counts, total: sumOf(counts), complete: true, previews })
}

interface PlanCheck<In extends z.ZodType, Out extends z.ZodType> {
  plan: Plan
  change: BulkChange<In, Out>
}

/**
 * Asks the server about a plan before a dry run shows it: whether its previews can still be used, and how many of their
 * jobs still match, call by call.
 * @throws Failure `preview_stale` for a plan that has expired, or whose previews the server rejects
 */
async function checkPlan<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  { plan, change }: PlanCheck<In, Out>,
): Promise<number[]> {
  const counts: number[] = []
  let held = 0
  for (const [at, request] of change.requests.entries()) {
    const { count = 0, token, kept_by_hold: keptThen = 0 } = plan.calls[at]?.preview ?? {}
    const { body } = await client.call(change.endpoint, withToken(change.preview(request), token))
    const { still_matching: still, kept_by_hold: keptNow = 0 } = bulkPart(body).preview ?? {}
    held += Math.max(0, keptNow - keptThen)
    // A server that ignores the token of a dry run counts all jobs that match now, and does not know whether the plan expired.
    if (still === undefined) refuseExpired(plan)
    counts.push(Math.min(count, still ?? countOf(change, body)))
  }
  const left = sumOf(plan.calls.map(({ preview }) => preview.count)) - sumOf(counts)
  const kept = Math.min(left, held)
  const gone = left - kept
  if (kept > 0)
    context.print.aside(
      `note: ${jobsText(kept)} of the plan ${kept === 1 ? 'stays, since a hold keeps it' : 'stay, since a hold keeps them'}`,
    )
  if (gone > 0) {
    const rest = gone === 1 ? 'will be left as it is' : 'will be left as they are'
    context.print.aside(`note: ${jobsText(gone)} of the plan changed since the preview and ${rest}`)
  }
  return counts
}

function refuseExpired({ expires_at }: Plan): void {
  if (Date.parse(expires_at) > Date.now()) return
  throw new Failure('preview_stale', `the plan expired at ${escaped(expires_at)}; nothing was changed`)
}

/** A server that checks the token of a dry run rejects a used or foreign one; another server ignores it. */
function withToken<In extends z.ZodType>(request: z.input<In>, preview_token: string | undefined): z.input<In> {
  return typeof request === 'object' && request !== null ? Object.assign({}, request, { preview_token }) : request
}

/** A stale preview token is replaced only by a new preview, so the hint gives that command. */
function withNewPreviewHint({ retyped }: Context, { words }: Plan, failure: Failure): Failure {
  const { code, message, requestId, server, cause } = failure
  const hint = `to preview it again: ${retyped([...words, '--dry-run', '--plan-out', '<file>'])}`
  return new Failure(code, message, { hint: failure.hint ?? hint, requestId, server, cause })
}

/** The lines above the table that a person confirms before a plan is applied. */
function planHead({ words, made_at, expires_at }: Plan): string {
  const valid = `valid until ${escaped(expires_at.slice(0, 16).replace('T', ' '))} UTC`
  return `Plan of ${escaped(commandLine(['jobsctl', ...words]))}\nMade ${ago(made_at)}, ${valid}`
}
