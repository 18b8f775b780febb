import { Failure } from '../../../shared/errors.ts'
import type { WholePlan } from '../../../shared/plans/plans.ts'
import { applyPolicy as endpoint, type FirstRun, type Policy, showPolicy } from '../../../shared/policy/policy.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import { earliest } from '../../../shared/times/earliest.ts'
import { whenText } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import { curlOf } from '../../curl.ts'
import { askToType } from '../../guard/confirm.ts'
import { limitOf, overLimit } from '../../guard/limit.ts'
import { refuseFlags, sendProposal } from '../../guard/propose.ts'
import { withLookCommand } from '../../guard/unknown-outcome.ts'
import type { Client } from '../../http/client.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'
import { firstRunsText } from '../plans/decide.ts'
import { type Difference, differenceColumns, differencesOf } from './differences.ts'
import { readPolicyFile } from './policy-file.ts'

/** A policy that is to be applied, and what the server says of it. */
interface Applying {
  context: Context
  client: Client
  file: string
  request: { rules: Rule[]; revision: number }
  differences: Difference[]
  firstRuns: readonly FirstRun[]
  /** Jobs that the first runs would change together; where they were not counted, a lower bound. */
  total: number
  /** Jobs that they change together at most: one that was not counted, as many as its rule allows. */
  most: number
}

/** Applies a file in place of the policy that is applied: it shows the differences and the first runs, asks, and sends it. */
export async function applyPolicy(context: Context, file: string): Promise<Ending> {
  const { settings, print } = context
  if (settings.propose) refuseFlags(context, {})
  const rules = await readPolicyFile(context, file)
  if (settings.curl) return printCurl(context, rules)
  const client = await context.client()
  const max = limitOf(context, client)
  const before = (await client.call(showPolicy, {})).body
  const request = { rules, revision: before.revision }
  if (settings.propose) return sendProposal(context, { path: endpoint.path, request }, plannedText(rules.length))
  const { body } = await client.call(endpoint, { ...request, dry_run: true })
  const firstRuns = body.first_runs ?? []
  const total = sumOf(firstRuns.map(({ would_change }) => would_change ?? 0))
  const most = sumOf(firstRuns.map((run) => mostOfRun(run, rules)))
  const differences = differencesOf(before.rules, rules)
  const applying = { context, client, file, request, differences, firstRuns, total, most }
  if (settings.dryRun) return showDryRun(applying, body.would_change === true)
  if (!body.would_change) {
    if (print.structured) print.json(resultOf(applying, body))
    else if (print.forPeople || !settings.yes) print.aside('nothing to do: this policy is applied')
    return 'ok'
  }
  if (max !== undefined && most > max)
    throw overLimit(most, max, { upTo: most > total, hint: 'give the rules a lower max, or raise --max' })
  if (!settings.yes) await confirm(applying)
  return send(applying)
}

/** Servers up to 0.2.0 do not say it. */
const mostOfRun = ({ name, complete, would_change, at_most }: FirstRun, rules: readonly Rule[]): number =>
  at_most ?? (complete && would_change !== null ? would_change : (rules.find((rule) => rule.name === name)?.max ?? 0))

function printCurl({ settings, print, ...rest }: Context, rules: Rule[]): Ending {
  const context = { settings, print, ...rest }
  print.text(curlOf(context, endpoint, { rules, revision: 0, dry_run: settings.dryRun }, !settings.dryRun))
  print.aside(
    `note: revision is that of the policy which it replaces: ${context.another(['policy', 'show', '--json'])}`,
  )
  return 'ok'
}

const plannedText =
  (rules: number) =>
  (plan: WholePlan): string =>
    `would apply a policy of ${rules === 1 ? '1 rule' : `${rules} rules`}, ${firstRunsText(plan)} now`

const resultOf = ({ differences, firstRuns }: Applying, { revision }: Pick<Policy, 'revision'>) => ({
  revision,
  differences,
  first_runs: firstRuns,
})

async function showDryRun(applying: Applying, wouldChange: boolean): Promise<Ending> {
  const { context, differences, firstRuns } = applying
  const { print, settings } = context
  if (print.structured) print.json({ dry_run: true, ...resultOf(applying, applying.request) })
  else print.result(`${await previewText(applying)}\n`)
  const differs = differences.length > 0 || wouldChange
  if (firstRuns.length > 0 && print.forPeople && differs)
    print.aside(`To apply it:  ${context.retyped(['policy', 'apply', applying.file, '--yes'])}`)
  return differs && settings.detailedExitcode ? 'would_change' : 'ok'
}

const runColumns: Column<FirstRun>[] = [
  { title: 'rule', value: ({ name }) => name },
  { title: 'first run', value: ({ next_at }) => whenText(next_at), gives: 'never' },
  { title: 'match now', value: ({ matched, complete }) => countText(matched, complete) },
  { title: 'would change', value: (run) => countOfRun(run) },
]

const countOfRun = ({ would_change, complete, at_most }: FirstRun): string =>
  countText(would_change, complete || would_change === at_most)

const countText = (count: number | null, complete: boolean): string =>
  count === null ? 'not counted' : `${complete ? '' : 'at least '}${groupedDigits(count)}`

/** The differences, and what the first runs would do. */
async function previewText({ context, differences, firstRuns, total, most }: Applying): Promise<string> {
  const { print } = context
  const diff = differences.length > 0 ? await print.table(differenceColumns, differences) : 'no differences\n'
  if (firstRuns.length === 0) return `${diff}\nno rules: the policy ends`
  const runs = await print.table(runColumns, firstRuns)
  const bounds =
    most === total
      ? `${jobsText(total)} now`
      : `at least ${jobsText(total)} now, and at most ${groupedDigits(most)} by the max of their rules`
  return `${diff}\n${runs}\nthe first runs would change ${bounds}`
}

/** Asks a person to type the number of jobs, of rules where there is no job, or the name of a protected profile. */
async function confirm(applying: Applying): Promise<void> {
  const { context, client, file, request, most: total } = applying
  context.io.note(`${await previewText(applying)}\n`)
  await confirmPolicy(context, { client, total, rules: request.rules.length, words: ['policy', 'apply', file] })
}

interface Confirming {
  client: Client
  total: number
  rules: number
  /** The command that applies it. */
  words: string[]
}

/** Asks a person, who has seen what would be done. @throws Failure `confirmation_required` */
export async function confirmPolicy(context: Context, { client, total, rules, words }: Confirming): Promise<void> {
  const { settings } = context
  if (!settings.interactive || context.print.structured) {
    throw new Failure('confirmation_required', 'refusing to apply a policy without --yes; nothing was changed', {
      hint: context.retyped([...words, '--yes']),
    })
  }
  const asked = { context, client }
  if (total > 0) await askToType(asked, total, 'the number of jobs')
  else await askToType(asked, rules, 'the number of rules')
}

/** Where the policy needs an approval, the hint is the command that plans it. */
function withProposal(context: Context, file: string, failure: Failure): Failure {
  if (failure.code !== 'approval_required') return failure
  const { message, requestId, server } = failure
  const reason = context.flags.reason === undefined ? ' --reason <why>' : ''
  const hint = `to plan it for another principal: ${context.retyped(['policy', 'apply', file, '--propose'])}${reason}`
  return new Failure('approval_required', message, { hint, requestId, server })
}

async function send(applying: Applying): Promise<Ending> {
  const { context, client, request, file } = applying
  const look = `to see whether it was applied: ${context.another(['policy', 'diff', file])}`
  const sent = client.call(endpoint, { ...request, dry_run: false }, { confirmed: true })
  const { body } = await sent.catch((error: unknown) => {
    throw error instanceof Failure ? withProposal(context, file, withLookCommand(error, look)) : error
  })
  const { print } = context
  const rules = body.rules.length === 1 ? '1 rule' : `${body.rules.length} rules`
  const ended = body.rules.length === 0
  const next = earliest(body.rules.map(({ next_at }) => next_at))
  const text = ended
    ? 'Ended the policy: no rule is applied.'
    : `Applied ${rules}; the next run is ${whenText(next ?? '')}.   See:  ${context.another(['policy', 'show'])}`
  print.sentence(resultOf(applying, body), text, 'done')
  if (body.author_until !== null)
    print.aside(`note: your token expires ${whenText(body.author_until)}, and no rule runs from then on`)
  return 'ok'
}
