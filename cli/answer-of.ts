import type { z } from 'zod'
import type { Endpoint } from '../shared/endpoint.ts'
import type { Context } from './context.ts'
import { curlOf } from './curl.ts'
import type { CallOptions } from './http/client.ts'

/** The answer of the server; undefined after `--curl`, which prints the call and sends nothing. */
export async function answerOf<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  endpoint: Endpoint<In, Out>,
  input: z.input<In>,
  options?: CallOptions,
) {
  if (!context.settings.curl) return (await context.client()).call(endpoint, input, options)
  context.print.text(curlOf(context, endpoint, input))
  return undefined
}
