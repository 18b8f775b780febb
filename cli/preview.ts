import type { z } from 'zod'
import { Failure } from '../shared/errors.ts'
import { type Change, outcome, type Previewed } from './change.ts'
import type { Answer, Client } from './client.ts'
import type { Context } from './context.ts'
import { grouped, jobs } from './numbers.ts'
import type { Ending } from './print.ts'

/** Asks the server to count, and change nothing. */
export async function preview<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  change: Change<In, Out>,
): Promise<Previewed<Out>> {
  const answers: Answer<z.output<Out>>[] = []
  for (const request of change.requests) {
    answers.push(await client.call(change.op, change.preview(request)).catch(explainPreview(context, change)))
  }
  const counts = answers.map(({ body }) => change.count(body))
  const total = counts.reduce((sum, count) => sum + count, 0)
  return { answers, counts, total, bounds: answers.every(({ asOf }) => asOf !== undefined) }
}

/** A server that asks to confirm a preview takes it for the change itself. */
const explainPreview =
  <In extends z.ZodType, Out extends z.ZodType>({ retyped }: Context, { name, words }: Change<In, Out>) =>
  (error: unknown): never => {
    if (!(error instanceof Failure) || error.code !== 'confirmation_required') throw error
    throw new Failure('confirmation_required', `this server cannot preview this ${name}; nothing was changed`, {
      hint: `to go ahead without: ${retyped([...words, '--yes', '--no-preview'])}`,
      requestId: error.requestId,
      server: error.server,
    })
  }

/** `--dry-run`: the preview is the result. */
export async function show<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  client: Client,
  change: Change<In, Out>,
  previewed: Previewed<Out>,
  max: number | undefined,
): Promise<Ending> {
  const { print, settings, retyped } = context
  const { total } = previewed
  if (total > 0 || print.forPeople || print.structured) {
    const text = await previewText(context, client, change, previewed)
    print.sentence(outcome(change, true, total), text, text.includes('\n') ? 'plain' : 'pending')
  }
  if (print.forPeople && total > 0) print.aside(`To do it:  ${retyped([...change.words, '--yes'])}`)
  if (max !== undefined && total > max) {
    print.aside(`note: above the limit of ${grouped(max)}; the change itself would be refused`)
  }
  return settings.detailedExitcode && total > 0 ? 'would_change' : 'ok'
}

/** A person gets the details, where there are any; a script gets the sentence. */
export async function previewText<In extends z.ZodType, Out extends z.ZodType>(
  { print }: Context,
  client: Client,
  change: Change<In, Out>,
  previewed: Previewed<Out>,
): Promise<string> {
  const wanted = print.forPeople && previewed.bounds && previewed.total > 0
  const details = wanted ? await change.details?.(client, previewed) : undefined
  return details ?? change.say(jobs(previewed.total), false)
}
