import type { z } from 'zod'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import { notesOf, outcomeFields, type Previewed, type Session } from './change.ts'
import { sendChange } from './send-change.ts'
import { tallyOf } from './tally.ts'
import { undoCommand } from './undo-command.ts'

/** Makes a confirmed change, call by call, each held to its own preview, and tells the result. */
export async function applyChange<In extends z.ZodType, Out extends z.ZodType>(
  session: Session<In, Out>,
  previewed: Previewed<Out> | undefined,
): Promise<Ending> {
  const { context, change, max } = session
  if (previewed && !previewed.previews) {
    context.print.aside('note: this server keeps no bound; jobsctl itself checked the count, right before the change')
  }
  const answers: z.output<Out>[] = []
  for (const [at, request] of change.requests.entries()) {
    if (previewed?.counts[at] === 0) continue
    const preview_token = previewed?.previews?.[at]?.token
    const bounded = change.bounded(request, preview_token === undefined ? {} : { max, preview_token })
    answers.push(await sendChange(session, bounded, { answers, total: previewed?.total }))
  }
  return printResult(session, previewed, answers)
}

/** The result of a change that was made: for programs an object, for everyone else a sentence and what to know beside. */
export function printResult<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Session<In, Out>,
  previewed: Previewed<Out> | undefined,
  answers: readonly z.output<Out>[],
): Ending {
  const { print } = context
  const done = answers.reduce<number>((sum, answer) => sum + change.count(answer), 0)
  const tally = tallyOf(answers)
  const { facts, notes } = notesOf(change, answers)
  if (done > 0 || print.structured || print.forPeople) {
    print.sentence(outcomeFields(change, false, done, { ...tally, ...facts }), change.say(jobsText(done), true), 'done')
  }
  for (const note of [...notes, ...notesOn(tally, previewed?.total)]) print.aside(note)
  const ids = tally.operation_ids ?? []
  if (print.forPeople && change.undoable && done > 0 && ids.length > 0) {
    print.aside(`To take it back:  ${undoCommand(context, ids)}`)
  }
  if (!previewed || done <= previewed.total) return 'ok'
  print.aside(
    `warning: ${groupedDigits(done)} were changed, more than the ${groupedDigits(previewed.total)} of the preview`,
  )
  return 'failed'
}

/** What was previewed and not changed; those that others held are among the skipped. */
function notesOn(
  { skipped = 0, skipped_locked: locked = 0 }: ReturnType<typeof tallyOf>,
  previewed?: number,
): string[] {
  const gone = skipped - locked
  const of =
    previewed === undefined
      ? jobsText(gone)
      : `${groupedDigits(gone)} of the ${groupedDigits(previewed)} previewed jobs`
  return [
    ...(gone > 0 ? [`note: ${of} had gone on by themselves, and were left`] : []),
    ...(locked > 0
      ? [
          `note: ${jobsText(locked)} ${locked === 1 ? 'was' : 'were'} held by other transactions and left; run it again for them`,
        ]
      : []),
  ]
}
