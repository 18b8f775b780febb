import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import { interrupted } from '../io.ts'
import { groupedDigits } from '../text/numbers.ts'
import { type ChangeRun, notesOf, type Previewed } from './change.ts'
import { previewSentence } from './preview/facts.ts'
import { previewText } from './preview/preview.ts'

/**
 * Asks a person to type the count, the limit of a change that was not counted to the end, or the name of a protected profile.
 * @throws Failure `confirmation_required` off a terminal, or for any other answer
 */
export async function confirm<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out>,
): Promise<void> {
  const { context, change, max = previewed.total } = run
  const { io, settings, print } = context
  const { notes } = notesOf(run, previewed.answers)
  if (!settings.interactive) {
    io.note(`${previewSentence(change, previewed)}\n`)
    for (const note of notes) print.aside(note)
    throw unconfirmed(run)
  }
  io.note(`${await previewText(run, previewed)}\n\n`)
  for (const note of notes) print.aside(note)
  await askToType(run, previewed.complete ? previewed.total : max)
}

/**
 * Asks a person to type a number, or the name of a protected profile.
 * @param what what the number is, such as `the number of rules`; it needs no words where the screen has said it
 * @throws Failure `confirmation_required` for any other answer
 */
export async function askToType(
  { context: { io }, client }: { context: Context; client: Client },
  count: number,
  what?: string,
): Promise<void> {
  const { profile } = client.target
  const wanted = profile?.protected ? profile.name : String(count)
  const named = profile?.protected || what === undefined ? '' : `, ${what},`
  const answer = await io.ask(`Type ${wanted}${named} to go ahead: `)
  if (io.signal.aborted) throw interrupted(io.signal, '; nothing was changed')
  if (!isSame(answer, wanted, profile?.protected === true))
    throw new Failure('confirmation_required', 'not confirmed; nothing was changed')
}

/** Whether the answer is the wanted word; a count may be typed with its separators: `162,801`. */
function isSame(answer: string | undefined, wanted: string, exact: boolean): boolean {
  const typed = answer?.trim()
  return typed === wanted || (!exact && typed === groupedDigits(Number(wanted)))
}

/** The refusal of a change that is not confirmed. */
export function unconfirmed<In extends z.ZodType, Out extends z.ZodType>(
  { context, change: { words, goAhead = words } }: ChangeRun<In, Out>,
  preview = '',
): Failure {
  return new Failure('confirmation_required', `${preview}refusing to change anything without --yes`, {
    hint: context.retyped([...goAhead, '--yes']),
  })
}
