import type { z } from 'zod'
import { Failure } from '../shared/errors.ts'
import { type Change, outcome, type Previewed } from './change.ts'
import type { Client } from './client.ts'
import type { Context } from './context.ts'
import { curlOf } from './curl.ts'
import { interrupted } from './interrupted.ts'
import { lookedUp } from './lost-answer.ts'
import { grouped, jobs } from './numbers.ts'
import { preview, previewText, show } from './preview.ts'
import type { Ending } from './print.ts'
import { refuseUnnamed } from './protected.ts'

/** Preview, confirm, apply: the only path by which jobsctl confirms a change. */
export async function guarded<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: Change<In, Out>,
): Promise<Ending> {
  const { settings, print } = context
  checkFlags(context)
  if (settings.curl) return printCurl(context, change)
  const client = await context.client()
  const max = bound(context, client)
  if (!settings.preview) {
    if (max !== undefined)
      throw new Failure('usage', '--no-preview and a limit exclude each other: nothing would keep it')
    return apply(context, client, change, undefined)
  }

  const previewed = await preview(context, client, change)
  const { total } = previewed
  if (settings.dryRun) return show(context, client, change, previewed, max)
  if (max !== undefined && total > max) throw overLimit(total, max)
  if (print.structured && !settings.yes) throw unconfirmed(context, change.words, `${change.say(jobs(total), false)}; `)
  if (total === 0) return nothing(context, change)
  if (settings.yes) return apply(context, client, change, previewed)
  await confirm(context, client, change, previewed)
  if (!previewed.bounds) await countAgain(context, client, change, total)
  return apply(context, client, change, previewed)
}

/** While a person thinks the world goes on, and this server keeps no bound. */
async function countAgain<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  change: Change<In, Out>,
  confirmed: number,
): Promise<void> {
  const { total } = await preview(context, client, change)
  if (total > confirmed) throw overLimit(total, confirmed)
}

function checkFlags({ settings }: Context): void {
  const { dryRun, yes, preview, detailedExitcode } = settings
  if (!preview && !yes) throw new Failure('usage', '--no-preview needs --yes')
  if (detailedExitcode && !dryRun) throw new Failure('usage', '--detailed-exitcode needs --dry-run')
}

/** The bound that somebody set; a protected profile must have one, and must be named. */
function bound({ settings, retyped }: Context, { target: { profile } }: Client): number | undefined {
  const max = settings.max ?? profile?.max
  if (!profile?.protected || settings.dryRun) return max
  refuseUnnamed(profile)
  if (max === undefined) {
    throw new Failure('usage', `the profile ${profile.name} is protected: a change needs a bound`, {
      hint: `add --max, or ${retyped(['config', 'set', `profiles.${profile.name}.max`, '10000'])}`,
    })
  }
  return max
}

function printCurl<In extends z.ZodType, Out extends z.ZodType>(context: Context, change: Change<In, Out>): Ending {
  const { settings, print } = context
  for (const request of change.requests) {
    const shown = settings.yes ? change.bounded(request, settings.max) : change.preview(request)
    print.text(curlOf(context, change.op, shown, settings.yes))
  }
  return 'ok'
}

/** `--yes` is silent about nothing, for cron's sake; who did not say it is told. */
function nothing<In extends z.ZodType, Out extends z.ZodType>(context: Context, change: Change<In, Out>): Ending {
  const { print, settings } = context
  if (print.structured) print.sentence(outcome(change, false, 0), '', 'done')
  else if (print.forPeople || !settings.yes) print.aside(`nothing to do: ${change.say(jobs(0), false)}`)
  return 'ok'
}

function unconfirmed({ retyped }: Context, words: readonly string[], preview = ''): Failure {
  return new Failure('confirmation_required', `${preview}refusing to change anything without --yes`, {
    hint: retyped([...words, '--yes']),
  })
}

async function confirm<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  change: Change<In, Out>,
  previewed: Previewed<Out>,
): Promise<void> {
  const { io, settings } = context
  const { total } = previewed
  if (!settings.interactive) {
    io.note(`${change.say(jobs(total), false)}\n`)
    throw unconfirmed(context, change.words)
  }
  io.note(`${await previewText(context, client, change, previewed)}\n\n`)
  const profile = client.target.profile
  const wanted = profile?.protected ? profile.name : String(total)
  const answer = await io.ask(`Type ${wanted} to go ahead: `)
  if (io.signal.aborted) throw interrupted(io.signal, '; nothing was changed')
  if (answer?.trim() !== wanted) throw new Failure('confirmation_required', 'not confirmed; nothing was changed')
}

/** What was counted is the ceiling, and its time is the reference time: the set can only shrink. */
async function apply<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  change: Change<In, Out>,
  previewed: Previewed<Out> | undefined,
): Promise<Ending> {
  const { print } = context
  if (previewed && !previewed.bounds) {
    print.aside('note: this server keeps no bound; jobsctl itself checked the count, right before the change')
  }
  let done = 0
  for (const [at, request] of change.requests.entries()) {
    const counted = previewed?.counts[at]
    if (counted === 0) continue
    const asOf = previewed?.answers[at]?.asOf
    const bounded = change.bounded(request, previewed?.bounds ? counted : undefined)
    const { body } = await client
      .call(change.op, bounded, { confirmed: true, asOf })
      .catch((error: unknown) => fail(context, change, done, error))
    done += change.count(body)
  }
  if (done > 0 || print.structured || print.forPeople) {
    print.sentence(outcome(change, false, done), change.say(jobs(done), true), 'done')
  }
  if (!previewed || done <= previewed.total) return 'ok'
  print.aside(`warning: ${grouped(done)} were changed, more than the ${grouped(previewed.total)} of the preview`)
  return 'failed'
}

/** A change that broke off: how far it came, and what shows it. */
function fail<In extends z.ZodType, Out extends z.ZodType>(
  { retyped }: Context,
  { say, words }: Change<In, Out>,
  done: number,
  error: unknown,
): never {
  if (!(error instanceof Failure)) throw error
  const { message, requestId, server, cause } = error
  const look = `to see where it stands: ${retyped([...words, '--dry-run'])}`
  if (done === 0) throw lookedUp(error, look)
  const detail = `${say(jobs(done), true)}, then stopped: ${message}`
  throw new Failure('partial', detail, { hint: `run it again to go on; ${look}`, requestId, server, cause })
}

function overLimit(total: number, max: number): Failure {
  return new Failure(
    'limit_exceeded',
    `${jobs(total)} match${total === 1 ? 'es' : ''}, above the limit of ${grouped(max)}; nothing was changed`,
    { hint: 'narrow the scope, or raise --max' },
  )
}
