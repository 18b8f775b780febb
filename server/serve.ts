import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { z } from 'zod'
import { Failure } from '../shared/errors.ts'
import { headers, isConfirmed } from '../shared/headers.ts'
import type { Operation } from '../shared/operation.ts'
import { readIdempotencyKey, readInput, readReason } from './input.ts'
import type { Call, Serving } from './operations/call.ts'
import { asksForProgress, withProgress } from './progress.ts'
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
    const idempotencyKey = op.bulk ? readIdempotencyKey(c) : undefined
    // A caller's scope will be checked here, before its confirmation.
    if (changing && !op.unconfirmed && !isConfirmed(c.req.header(headers.confirm))) {
      throw new Failure('confirmation_required', `Confirmation required: set ${headers.confirm}: true`)
    }
    const call = {
      ...serving,
      caller: c.get('caller'),
      requestId: c.get('requestId'),
      reason,
      idempotencyKey,
      gone: c.req.raw.signal,
      changed: (rows: number) => c.set('rows', rows),
    }
    const answer = async (progressed: Call['progressed']) => op.output.parse(await run({ ...call, progressed }, input))
    if (op.bulk && changing && asksForProgress(c)) return withProgress(c, serving, answer)
    const alive = () => c.get('alive')?.()
    if (op.shared) {
      const text = await serving.sharing.share(`${op.path} ${JSON.stringify(input)}`, async () =>
        JSON.stringify(await answer(alive)),
      )
      return c.body(text, 200, { 'Content-Type': 'application/json' })
    }
    const output = await answer(alive)
    return c.json(output, op.created?.(output) ? 201 : 200)
  })
}

const tooLarge = (limit: number): never => {
  throw new Failure('too_large', `the body is larger than ${limit} bytes; nothing was changed`)
}
