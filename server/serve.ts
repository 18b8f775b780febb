import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { z } from 'zod'
import { Failure } from '../shared/errors.ts'
import { headers, isConfirmed } from '../shared/headers.ts'
import type { Operation } from '../shared/operation.ts'
import { readAsOf, readInput, readReason } from './input.ts'
import type { Call, Serving } from './operations/call.ts'
import type { Vars } from './vars.ts'

/** Mounts an operation: read, validate, check the confirmation, run. No route does more. */
export function serve<In extends z.ZodType, Out extends z.ZodType>(
  app: Hono<Vars>,
  serving: Serving,
  op: Operation<In, Out>,
  run: (call: Call, input: z.output<In>) => Promise<z.output<Out>>,
): void {
  const maxSize = serving.maxBodyBytes + (op.documents ?? 0) * serving.maxJsonBytes
  const limit = bodyLimit({ maxSize, onError: () => tooLarge(maxSize) })
  app.on(op.method, [op.path, ...(op.aliases ?? [])], limit, async (c) => {
    const input = await readInput(c, op)
    const changing = op.changes(input)
    c.set('changing', changing)
    const reason = readReason(c)
    const asOf = readAsOf(c)
    // A caller's scope will be checked here, before its confirmation.
    if (changing && !op.unconfirmed && !isConfirmed(c.req.header(headers.confirm))) {
      throw new Failure('confirmation_required', `Confirmation required: set ${headers.confirm}: true`)
    }
    const result = await run(
      {
        ...serving,
        caller: c.get('caller'),
        requestId: c.get('requestId'),
        reason,
        asOf,
        gone: c.req.raw.signal,
        previewed: (time) => c.header(headers.asOf, time),
        changed: (rows) => c.set('rows', rows),
      },
      input,
    )
    const output = op.output.parse(result)
    return c.json(output, op.created?.(output) ? 201 : 200)
  })
}

const tooLarge = (limit: number): never => {
  throw new Failure('too_large', `the body is larger than ${limit} bytes; nothing was changed`)
}
