import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import { proposePlan, type WholePlan } from '../../shared/plans/plans.ts'
import { escaped } from '../../shared/text/escape.ts'
import { whenText } from '../../shared/times/time-and-size.ts'
import type { Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/flags/canary-flags.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import type { BulkChange, ChangeRun } from './change.ts'
import { changeImmediately } from './immediate-change.ts'

interface Proposing {
  /** The jobs that are changed first when the plan is applied. */
  canaries?: Canaries | undefined
  hasReason?: boolean
}

/**
 * `--propose`: has the server plan the change for a second person. Nothing is changed.
 * @throws Failure `usage` for flags that a plan does not go with, and for a change of several calls; what the server refuses
 */
export async function proposeChange<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  { canaries, hasReason = false }: Proposing,
): Promise<Ending> {
  const { settings } = context
  refuseFlags(context, { canaries, hasReason })
  const [request, ...others] = change.requests
  if (request === undefined || others.length > 0)
    throw new Failure('usage', `--propose: this ${change.name} is ${change.requests.length} calls, and a plan is one`, {
      hint: 'plan one domain after the other',
    })
  const bounded: unknown = change.bounded(request, { max: settings.max, ...settings.brake })
  const input = {
    path: change.endpoint.path,
    request: Object.assign({}, bounded, canaries && { limit: canaries.count }),
  }
  const first = canaries ? `, ${groupedDigits(canaries.count)} of them first` : ''
  return sendProposal(context, input, ({ count }) => `${change.say(jobsText(count), false)}${first}`)
}

/** Has the server make a plan, and says what it would do and who may approve it. */
export async function sendProposal(
  context: Context,
  request: z.input<typeof proposePlan.input>,
  say: (plan: WholePlan) => string,
): Promise<Ending> {
  const { print, another } = context
  const plan = await changeImmediately(context, { endpoint: proposePlan, request, look: another(['plans']) })
  if (!plan) return 'ok'
  const what = `Plan ${plan.id}: ${say(plan)}. It waits for another principal, and ends ${escaped(whenText(plan.expires_at))}.`
  print.sentence(plan, `${what}\nTo approve it:  jobsctl approve ${plan.id}`, 'done')
  return 'ok'
}

/** Refuses flags that a plan does not go with, and a plan without a reason. @throws Failure `usage` */
export function refuseFlags({ settings, flags }: Context, { canaries, hasReason = false }: Proposing): void {
  const given = {
    '--dry-run': settings.dryRun,
    '--yes': settings.yes,
    '--plan-out': settings.planOut !== undefined,
    '--detach': settings.detach,
    '--emergency': settings.emergency,
    '--no-preview': !settings.preview,
    '--canary-wait, which apply takes,': canaries?.words.includes('--canary-wait') === true,
  }
  const flag = Object.entries(given).find(([, isGiven]) => isGiven)?.[0]
  if (flag) throw new Failure('usage', `--propose and ${flag} exclude each other; nothing was planned`)
  if (!hasReason && !flags.reason?.trim())
    throw new Failure('usage', '--propose needs --reason: the second person decides by it; nothing was planned')
}

/** The failure of a change that needs an approval, with the command that plans the same change where the server says that a plan would do. */
export const explainApproval =
  <In extends z.ZodType, Out extends z.ZodType>({ context, change }: ChangeRun<In, Out>) =>
  (error: unknown): never => {
    if (!(error instanceof Failure) || error.code !== 'approval_required' || change.goAhead) throw error
    if (!error.hint?.startsWith('plan it: ')) throw error
    const { message, requestId, server } = error
    const reason = context.flags.reason === undefined ? ' --reason <why>' : ''
    const hint = `to plan it for another principal: ${context.retyped([...change.words, '--propose'])}${reason}`
    throw new Failure('approval_required', message, { hint, requestId, server })
  }
