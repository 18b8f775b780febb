import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import type { Client } from '../http/client.ts'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import { applyChange } from './apply.ts'
import { type Bound, type BulkChange, notesOf, outcomeFields, type Previewed, type Session } from './change.ts'
import { confirm, unconfirmed } from './confirm.ts'
import { refuseOverwriting } from './plan-file.ts'
import { requestPreview, showPreview } from './preview.ts'
import { requireNamedProfile } from './protected-profile.ts'

/** Makes a change that was confirmed. */
type Apply<In extends z.ZodType, Out extends z.ZodType> = (
  session: Session<In, Out>,
  previewed: Previewed<Out>,
) => Promise<Ending>

interface Guarding<In extends z.ZodType, Out extends z.ZodType> {
  /** Another way to make it than all at once. */
  apply?: Apply<In, Out>
  /** The flag that has no meaning where the server gives no token for a preview. */
  needsToken?: string
}

/** Preview, confirm, apply: the only path by which jobsctl confirms a change. */
export async function guardChange<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  { apply = applyChange, needsToken }: Guarding<In, Out> = {},
): Promise<Ending> {
  const { settings } = context
  checkFlags(context)
  if (settings.curl) return printCurl(context, change)
  const session = await openSession(context, change)
  if (!settings.preview) return withoutPreview(session)
  if (settings.planOut !== undefined) await refuseOverwriting(settings.planOut)

  const previewed = await requestPreview(session)
  const flag = settings.planOut === undefined ? needsToken : '--plan-out'
  if (flag !== undefined && !previewed.previews) throw withoutToken(flag)
  return decide(session, previewed, apply)
}

/**
 * The client, and the bound that somebody set.
 * @throws Failure `usage` for a protected profile that is not named, or has no bound
 */
export async function openSession<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
): Promise<Session<In, Out>> {
  const client = await context.client()
  return { context, client, change, max: bound(context, client) }
}

/** Goes from a preview on: shows it, refuses, asks, or applies. */
export async function decide<In extends z.ZodType, Out extends z.ZodType>(
  session: Session<In, Out>,
  previewed: Previewed<Out>,
  apply: Apply<In, Out> = applyChange,
): Promise<Ending> {
  const { context, change, max } = session
  const { settings, print } = context
  const { total } = previewed
  if (settings.dryRun) return showPreview(session, previewed)
  if (max !== undefined && total > max) throw overLimit(total, max)
  if (print.structured && !settings.yes) throw unconfirmed(session, `${change.say(jobsText(total), false)}; `)
  if (total === 0) return nothing(session, previewed)
  if (settings.yes) return apply(session, previewed)
  await confirm(session, previewed)
  if (!previewed.previews) await countAgain(session, total)
  return apply(session, previewed)
}

async function withoutPreview<In extends z.ZodType, Out extends z.ZodType>(session: Session<In, Out>): Promise<Ending> {
  if (session.max === undefined) return applyChange(session, undefined)
  throw new Failure('usage', '--no-preview and a limit exclude each other: nothing would keep it')
}

/** While a person thinks the world goes on, and this server keeps no bound. */
async function countAgain<In extends z.ZodType, Out extends z.ZodType>(
  session: Session<In, Out>,
  confirmed: number,
): Promise<void> {
  const { total } = await requestPreview(session)
  if (total > confirmed) throw overLimit(total, confirmed)
}

function checkFlags({ settings }: Context): void {
  const { dryRun, yes, preview, detailedExitcode, planOut, curl } = settings
  if (!preview && !yes) throw new Failure('usage', '--no-preview needs --yes')
  if (detailedExitcode && !dryRun) throw new Failure('usage', '--detailed-exitcode needs --dry-run')
  if (planOut !== undefined && !dryRun) throw new Failure('usage', '--plan-out needs --dry-run')
  if (planOut !== undefined && curl) throw new Failure('usage', '--plan-out and --curl exclude each other')
}

/** The bound that somebody set; a protected profile must have one, and must be named. */
function bound({ settings, retyped }: Context, { target: { profile } }: Client): number | undefined {
  const max = settings.max ?? profile?.max
  if (!profile?.protected || settings.dryRun) return max
  requireNamedProfile(profile)
  if (max === undefined) {
    throw new Failure('usage', `the profile ${profile.name} is protected: a change needs a bound`, {
      hint: `add --max, or ${retyped(['config', 'set', `profiles.${profile.name}.max`, '10000'])}`,
    })
  }
  return max
}

/** Prints the calls of a change instead of sending them; with tokens, those that a plan holds them to. */
export function printCurl<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  tokens: readonly string[] = [],
): Ending {
  const { settings, print } = context
  for (const [at, request] of change.requests.entries()) {
    const held: Bound = { max: settings.max, preview_token: tokens[at] }
    const shown = settings.yes ? change.bounded(request, held) : change.preview(request)
    print.text(curlOf(context, change.endpoint, shown, settings.yes))
  }
  return 'ok'
}

/** `--yes` is silent about nothing, for cron's sake; who did not say it is told. */
function nothing<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Session<In, Out>,
  { answers }: Previewed<Out>,
): Ending {
  const { print, settings } = context
  const { facts, notes } = notesOf(change, answers)
  if (print.structured) print.sentence(outcomeFields(change, false, 0, facts), '', 'done')
  else if (print.forPeople || !settings.yes) print.aside(`nothing to do: ${change.say(jobsText(0), false)}`)
  for (const note of notes) print.aside(note)
  return 'ok'
}

function overLimit(total: number, max: number): Failure {
  return new Failure(
    'limit_exceeded',
    `${jobsText(total)} match${total === 1 ? 'es' : ''}, above the limit of ${groupedDigits(max)}; nothing was changed`,
    { hint: 'narrow the scope, or raise --max' },
  )
}

const withoutToken = (flag: string): Failure =>
  new Failure('usage', `${flag}: this server gives no token that would hold a change to its preview`, {
    hint: 'nothing was changed or written; jobsctl doctor tells what this server lacks',
  })
