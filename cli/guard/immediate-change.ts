import type { z } from 'zod'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import { requireNamedProfile } from './limit.ts'
import { withLookCommand } from './unknown-outcome.ts'

interface ImmediateChange<In extends z.ZodType, Out extends z.ZodType> {
  endpoint: Endpoint<In, Out>
  request: z.input<In>
  /** The command line that shows whether the change was made, for a lost answer. */
  look: string
}

/**
 * Makes a change without a preview, since the change touches one queue or job that the user named.
 * With `--curl` it prints the call, sends nothing and returns undefined.
 * @throws Failure `usage` for a protected profile that is not spelled out
 */
export async function changeImmediately<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  { endpoint, request, look }: ImmediateChange<In, Out>,
): Promise<z.output<Out> | undefined> {
  await checkImmediate(context)
  if (context.settings.curl) {
    context.print.text(curlOf(context, endpoint, request))
    return undefined
  }
  await context.beforeChange()
  const client = await context.client()
  const { body } = await client.call(endpoint, request).catch((error: unknown) => {
    throw error instanceof Failure ? withLookCommand(error, `to see whether it was made: ${look}`) : error
  })
  return body
}

/**
 * Checks the profile of a change without a preview, before anything is sent.
 * @throws Failure `usage` for a protected profile that is not spelled out
 */
export async function checkImmediate(context: Context): Promise<void> {
  if (!context.settings.curl) requireNamedProfile((await context.target()).profile)
}
