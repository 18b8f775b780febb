import type { z } from 'zod'
import { outcomes } from '../../shared/outcomes.ts'
import type { Ending } from '../output/print.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import { type ChangeRun, canUndo, countOfAll, mostOf, notesOf, outcomeFields, type Previewed } from './change.ts'
import { detachChange } from './detach.ts'
import { namedEnding } from './named-jobs.ts'
import { heldIn } from './preview/facts.ts'
import { nextCall, sendChange } from './send-change.ts'
import { explainedIn, keptIn, tallyOf } from './tally.ts'
import { undoLine } from './undo-command.ts'

/** Applies a confirmed change call by call, each call bound by its own preview, and prints the result. */
export async function applyChange<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
): Promise<Ending> {
  const { context, change } = run
  if (context.settings.detach) return detachChange(run, previewed, printResult)
  if (previewed && !previewed.previews) {
    context.print.aside(
      'note: this server does not enforce the limit; jobsctl counted the jobs itself, right before the change',
    )
  }
  const total = previewed?.complete ? mostOf(change, previewed) : undefined
  const answers: z.output<Out>[] = []
  for (const [at, request] of change.requests.entries()) {
    const next = await nextCall(run, previewed, { at, request, answers })
    if ('bounded' in next) answers.push(await sendChange(run, next.bounded, { answers, total }))
    else if (next.nothing !== undefined) answers.push(next.nothing)
  }
  return printResult(run, previewed, answers)
}

/** Prints the result of an applied change: an object for programs, a sentence with notes for everyone else. */
export async function printResult<In extends z.ZodType, Out extends z.ZodType>(
  { context, client, change }: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
  answers: readonly z.output<Out>[],
): Promise<Ending> {
  const { print } = context
  const done = countOfAll(change, answers)
  const tally = tallyOf(answers)
  const { facts, notes } = notesOf({ context, change }, answers, previewed?.answers)
  if (done > 0 || print.structured || print.forPeople) {
    print.sentence(outcomeFields(change, false, done, { ...tally, ...facts }), change.say(jobsText(done), true), 'done')
  }
  const held = Math.max(0, keptIn(answers) - (previewed ? heldIn(previewed) : 0))
  const explained = held + Math.max(0, explainedIn(answers) - explainedIn(previewed?.answers ?? []))
  const of = previewed?.complete ? (previewed.planned ?? previewed.total) : undefined
  for (const note of [...notes, ...notesOn(tally, explained, of)]) print.aside(note)
  const ids = tally.operation_ids ?? []
  if (print.forPeople && canUndo(change) && done > 0 && ids.length > 0) {
    print.aside(await undoLine(context, client, { ids, done }))
  }
  if (!previewed?.complete || done <= mostOf(change, previewed)) {
    const named = namedEnding(change, previewed?.answers.length ? previewed.answers : answers)
    return change.ending?.(answers) ?? named ?? outcomes.done.exit
  }
  print.aside(
    `warning: ${groupedDigits(done)} jobs were changed, more than the ${groupedDigits(previewed.total)} of the preview`,
  )
  return outcomes.moreThanPreviewed.exit
}

/** Notes on previewed jobs that were not changed; `skipped` includes the locked jobs, and those that have a reason or a hold since the preview. */
function notesOn(
  { skipped = 0, skipped_locked: locked = 0 }: ReturnType<typeof tallyOf>,
  explained: number,
  previewed?: number,
): string[] {
  const changed = skipped - locked - explained
  const of =
    previewed === undefined
      ? jobsText(changed)
      : `${groupedDigits(changed)} of the ${groupedDigits(previewed)} previewed jobs`
  return [
    ...(changed > 0 ? [`note: ${of} had changed since the preview and were left as they are`] : []),
    ...(locked > 0
      ? [
          `note: ${jobsText(locked)} ${locked === 1 ? 'was' : 'were'} locked by other transactions and left as ${locked === 1 ? 'it is' : 'they are'}; run the command again for ${locked === 1 ? 'it' : 'them'}`,
        ]
      : []),
  ]
}
