import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { outcomes } from '../../../shared/outcomes.ts'
import { interrupted } from '../../io.ts'
import type { Ending } from '../../output/print.ts'
import { groupedDigits, sumOf } from '../../text/numbers.ts'
import { type ChangeRun, countOf, mostOf, notesOf, outcomeFields, type Previewed } from '../change.ts'
import { namedEnding } from '../named-jobs.ts'
import { writePlan } from '../plan-file.ts'
import { bulkPart } from '../tally.ts'
import { previewSentence } from './facts.ts'
import { previewTable } from './table.ts'
import { notCounted, refuseUncounted } from './uncounted.ts'

/** Asks the server to count the jobs that the change would touch. Nothing is changed. */
export async function requestPreview<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
): Promise<Previewed<Out>> {
  const { client, change } = run
  const answers: z.output<Out>[] = []
  for (const request of change.requests) {
    const { body } = await client.call(change.endpoint, change.preview(request)).catch(explainPreview(run))
    answers.push(body)
  }
  change.checkServer?.(client, answers)
  const counts = answers.map((body) => countOf(change, body))
  const total = sumOf(counts)
  const previews = answers.flatMap((body) => bulkPart(body).preview ?? [])
  const complete = previews.every((preview) => preview.complete !== false)
  return { answers, counts, total, complete, previews: previews.length === answers.length ? previews : undefined }
}

/** A preview that a signal ends has changed nothing. A server that asks to confirm one does not know previews and would make the change. */
const explainPreview =
  <In extends z.ZodType, Out extends z.ZodType>({ context, change: { name, words } }: ChangeRun<In, Out>) =>
  (error: unknown): never => {
    if (context.io.signal.aborted) throw interrupted(context.io.signal, '; nothing was changed')
    if (!(error instanceof Failure) || error.code !== 'confirmation_required') throw error
    throw new Failure('confirmation_required', `this server cannot preview this ${name}; nothing was changed`, {
      hint: `to go ahead without a preview: ${context.retyped([...words, '--yes', '--no-preview'])}`,
      requestId: error.requestId,
      server: error.server,
    })
  }

/** `--dry-run`: prints the preview as the result; `--plan-out` writes a plan, too. */
export async function showPreview<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out>,
): Promise<Ending> {
  const { context, change, max } = run
  const { print, settings, retyped } = context
  const { total } = previewed
  const { facts, notes } = notesOf(run, previewed.answers)
  if (settings.planOut !== undefined) refuseUncounted(previewed, '--plan-out')
  if (settings.planOut !== undefined) await writePlan(settings.planOut, run, previewed)
  if (total > 0 || print.forPeople || print.structured) {
    const text = await previewText(run, previewed)
    const json = outcomeFields(change, true, total, { ...facts, preview: shownPreview(previewed) })
    print.sentence(json, text, text.includes('\n') ? 'plain' : 'pending')
  }
  for (const note of notes) print.aside(note)
  const [refused] = previewed.answers.flatMap((answer) => change.refusal?.(answer) ?? [])
  if (refused?.hint !== undefined) print.aside(`note: the change would be refused; ${refused.hint}`)
  const lacksLimit = !previewed.complete && max === undefined
  if (lacksLimit) print.aside(`note: ${notCounted}, so that the change needs --max`)
  if (print.forPeople && total > 0 && !refused && !lacksLimit) {
    const words = settings.planOut === undefined ? (change.goAhead ?? change.words) : ['apply', settings.planOut]
    print.aside(`To do it:  ${retyped([...words, '--yes'])}`)
  }
  if (max !== undefined && mostOf(change, previewed) > max) {
    print.aside(`note: above the limit of ${groupedDigits(max)}; the change would be refused`)
  }
  const ending = namedEnding(change, previewed.answers)
  if (ending !== undefined) return ending
  return settings.detailedExitcode && total > 0 ? outcomes.wouldChange.exit : outcomes.none.exit
}

/** The preview of a change that is one call, without its token, which must not end in logs. */
function shownPreview<Out extends z.ZodType>({ previews = [] }: Previewed<Out>): object | undefined {
  const [only] = previews
  if (!only || previews.length > 1) return undefined
  const { token: _, ...shown } = only
  return shown
}

/** The table for a person where the server gives previews, else the sentence. */
export async function previewText<In extends z.ZodType, Out extends z.ZodType>(
  { context: { print }, client, change }: ChangeRun<In, Out>,
  previewed: Previewed<Out>,
): Promise<string> {
  const wanted = print.forPeople && previewed.previews !== undefined && previewed.total > 0 && previewed.complete
  if (!wanted) return previewSentence(change, previewed)
  return previewTable(print, change, previewed, await change.details?.(client, previewed))
}
