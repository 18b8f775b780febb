import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import { outcomes } from '../../shared/outcomes.ts'
import { commandLine } from '../../shared/text/shell.ts'
import type { Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/flags/canary-flags.ts'
import { withTarget } from '../settings/flags/target-words.ts'
import { applyChange } from './apply.ts'
import { type BulkChange, type ChangeRun, mostOf, notesOf, outcomeFields, type Previewed } from './change.ts'
import { confirm, unconfirmed } from './confirm.ts'
import { noteUnknownScope, refuseUnknownScope } from './known-scope.ts'
import { limitOf, overLimit } from './limit.ts'
import { hintsAtForce, noneOfNamed } from './named-jobs.ts'
import { refuseOverwriting } from './plan-file.ts'
import { countText, heldIn, previewSentence } from './preview/facts.ts'
import { requestPreview, showPreview } from './preview/preview.ts'
import { refuseUnbounded, refuseUncounted } from './preview/uncounted.ts'
import { printCurl } from './print-curl.ts'
import { explainApproval, proposeChange } from './propose.ts'

/** Applies a confirmed change. */
type Apply<In extends z.ZodType, Out extends z.ZodType> = (
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out>,
) => Promise<Ending>

interface Guarding<In extends z.ZodType, Out extends z.ZodType> {
  /** Applies the change in another way than all calls in turn. */
  apply?: Apply<In, Out>
  /** The canary jobs, where `apply` changes these first. */
  canaries?: Canaries
  /** A flag that needs a preview token, which some servers do not give. */
  needsToken?: string
}

/** Preview, confirm, apply: the only path by which jobsctl confirms a change. */
export async function guardChange<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  { apply = applyChange, canaries, needsToken }: Guarding<In, Out> = {},
): Promise<Ending> {
  const { settings } = context
  checkFlags(context)
  if (settings.detach && apply !== applyChange) throw detachedCanary()
  if (settings.propose) return proposeChange(context, change, { canaries })
  if (settings.curl) return printCurl(context, change)
  // A preview that is only shown needs no records.
  if (!settings.dryRun && (settings.yes || settings.interactive)) await context.beforeChange()
  const run = await openRun(context, change)
  if (!settings.preview) return withoutPreview(run)
  if (settings.planOut !== undefined) await refuseOverwriting(settings.planOut)

  const previewed = await requestPreview(run)
  const flag = settings.planOut === undefined ? (needsToken ?? brakeFlag(settings)) : '--plan-out'
  if (flag !== undefined && !previewed.previews) throw withoutToken(flag)
  return decide(await withoutForce(run, previewed), previewed, apply)
}

/** The change with the reason why its engine ends no running job, where a hint would name `cancel --force`. */
async function withoutForce<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  { answers }: Previewed<Out>,
): Promise<ChangeRun<In, Out>> {
  const { naming } = run.change
  if (!naming || !hintsAtForce(run.change, answers)) return run
  const { readLacks } = await import('../http/engine-lacks.ts')
  const why = (await readLacks(run.client, { amongOthers: true })).get('cancel_running')
  if (why === undefined) return run
  // What the sentence names to do instead keeps the domain of the change and the server of the command.
  const at = run.change.words.indexOf('--domain')
  const domain = at < 0 ? '' : ` ${commandLine(run.change.words.slice(at, at + 2))}`
  const cannotEnd = withTarget(
    why.replaceAll(/\bjobsctl [a-z]+/g, (call) => `${call}${domain}`),
    run.context.flags,
  )
  return { ...run, change: { ...run.change, naming: { ...naming, cannotEnd } } }
}

/**
 * The client and the limit of a change.
 * @throws Failure `usage` for a protected profile that is not spelled out, or has no limit
 */
export async function openRun<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
): Promise<ChangeRun<In, Out>> {
  const client = await context.client()
  return { context, client, change, max: limitOf(context, client) }
}

/** Decides what follows a preview: show it, refuse, ask, or apply. */
export async function decide<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out>,
  apply: Apply<In, Out> = applyChange,
): Promise<Ending> {
  const { context, change, max } = run
  const { settings, print } = context
  const { total } = previewed
  const most = mostOf(change, previewed)
  if (total === 0) await checkScope(run)
  const none = total === 0 ? noneOfNamed(context, change, previewed.answers) : undefined
  if (none) throw none
  if (settings.dryRun) return showPreview(run, previewed)
  if (max !== undefined && most > max) throw overLimit(most, max, { upTo: most > total })
  refuseUnbounded(previewed, max)
  if (apply !== applyChange) refuseUncounted(previewed, '--canary')
  const [refused] = previewed.answers.flatMap((answer) => change.refusal?.(answer) ?? [])
  if (refused) throw refused
  if (print.structured && !settings.yes) throw unconfirmed(run, `${change.say(countText(previewed), false)}; `)
  if (total === 0) {
    const failure = await change.noneMatch?.(run.client, previewed.answers)
    if (failure) throw failure
    return nothing(run, previewed)
  }
  const go = () => apply(run, previewed).catch(explainApproval(run))
  if (settings.yes) return go()
  await confirm(run, previewed)
  if (!previewed.previews) await countAgain(run, total)
  return go()
}

async function withoutPreview<In extends z.ZodType, Out extends z.ZodType>(run: ChangeRun<In, Out>): Promise<Ending> {
  run.change.checkServer?.(run.client, [])
  const flag = brakeFlag(run.context.settings)
  if (flag !== undefined) throw new Failure('usage', `--no-preview and ${flag} exclude each other; nothing was changed`)
  if (run.max === undefined) return applyChange(run, undefined)
  throw new Failure(
    'usage',
    '--no-preview and a limit exclude each other: nothing would enforce it; nothing was changed',
  )
}

/** The flag of a brake, which a server without preview tokens would pass over. */
const brakeFlag = ({ brake }: Context['settings']): string | undefined =>
  brake.rate !== undefined ? '--rate' : brake.until !== undefined ? '--until' : undefined

/** Counts once more after the prompt, since this server does not enforce the confirmed count. */
async function countAgain<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  confirmed: number,
): Promise<void> {
  const { total } = await requestPreview(run)
  if (total > confirmed) throw overLimit(total, confirmed)
}

function checkFlags({ settings }: Context): void {
  const { dryRun, yes, preview, detailedExitcode, planOut, curl } = settings
  if (!preview && !yes) throw new Failure('usage', '--no-preview needs --yes')
  if (detailedExitcode && !dryRun) throw new Failure('usage', '--detailed-exitcode needs --dry-run')
  if (planOut !== undefined && !dryRun) throw new Failure('usage', '--plan-out needs --dry-run')
  if (planOut !== undefined && curl) throw new Failure('usage', '--plan-out and --curl exclude each other')
}

/** A scope that never had a job is often misspelled: an error with `--must-exist`, else a note for a person. */
async function checkScope<In extends z.ZodType, Out extends z.ZodType>(run: ChangeRun<In, Out>): Promise<void> {
  const { context, change } = run
  if (change.scope === undefined) return
  if (change.mustExist) await refuseUnknownScope(context, change.scope)
  else if (context.print.forPeople || context.settings.dryRun) await noteUnknownScope(context, change.scope)
}

/** No job matches: silent with `--yes` off a terminal, so that cron sends no mail; else a sentence. Nor is it silent where a hold keeps jobs. */
function nothing<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Pick<ChangeRun<In, Out>, 'context' | 'change'>,
  previewed: Previewed<Out>,
): Ending {
  const { print, settings } = context
  const { facts, notes } = notesOf({ context, change }, previewed.answers)
  const held = heldIn(previewed)
  const outcome = { ...facts, ...(held > 0 && { kept_by_hold: held }) }
  if (print.structured) print.sentence(outcomeFields(change, false, 0, outcome), '', 'done')
  else if (print.forPeople || !settings.yes || held > 0)
    print.aside(`nothing to do: ${previewSentence(change, previewed)}`)
  for (const note of notes) print.aside(note)
  return outcomes.none.exit
}

export const detachedCanary = (): Failure =>
  new Failure(
    'usage',
    '--detach and --canary exclude each other: jobsctl itself watches the canary jobs; nothing was changed',
  )

const withoutToken = (flag: string): Failure =>
  new Failure(
    'usage',
    `${flag}: this server gives no preview token, which ${flag} needs; nothing was changed or written`,
    {
      hint: `leave out ${flag}; jobsctl doctor shows what this server lacks`,
    },
  )
