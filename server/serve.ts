import type { Hono } from 'hono'
import type { z } from 'zod'
import { Failure } from '../shared/errors.ts'
import { headers, isConfirmed } from '../shared/headers.ts'
import type { Operation } from '../shared/operation.ts'
import { answer } from './answer.ts'
import { limitBody } from './body-limit.ts'
import { writeJson } from './database/verbatim.ts'
import { goneFrom } from './gone.ts'
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
  app.on(op.method, [op.path, ...(op.aliases ?? [])], limitBody(maxSize), async (c) => {
    const input = await readInput(c, op)
    const changing = op.changes(input)
    c.set('changing', changing)
    const reason = readReason(c)
    const idempotencyKey = op.bulk ? readIdempotencyKey(c) : undefined
    // A caller's scope will be checked here, before its confirmation.
    if (changing && !op.unconfirmed && !isConfirmed(c.req.header(headers.confirm))) {
      throw new Failure('confirmation_required', `Confirmation required: set ${headers.confirm}: true`)
    }
    let leaving: AbortController | undefined
    const gone = () => {
      leaving ??= goneFrom(c.env.outgoing)
      return leaving.signal
    }
    const callWith = (progressed: Call['progressed']): Call => ({
      caller: c.get('caller'),
      requestId: c.get('requestId'),
      stillAllowed: c.get('stillAllowed'),
      reason,
      idempotencyKey,
      progressed,
      gone,
      changed: (rows: number) => c.set('rows', rows),
      ...serving, // last: to add fields to what was spread takes forty times as long
    })
    const outcome = async (progressed: Call['progressed']) => op.output.parse(await run(callWith(progressed), input))
    if (op.bulk && changing && asksForProgress(c)) return withProgress(c, serving, outcome)
    const alive = () => c.get('alive')?.()
    if (op.shared) {
      const text = await serving.sharing.share(`${op.path} ${JSON.stringify(input)}`, async () =>
        writeJson(await outcome(alive)),
      )
      return answer(c, text)
    }
    const output = await outcome(alive)
    return answer(c, written(output, leaving), { status: op.created?.(output) ? 201 : 200 })
  })
}

/**
 * Rows of other programs may be too large, or too deep, to be written down. Then it is as if the caller had hung up: what
 * was leased to it goes back.
 * @throws Failure `internal`
 */
function written(output: unknown, leaving: AbortController | undefined): string {
  try {
    return writeJson(output)
  } catch (cause) {
    leaving?.abort()
    throw new Failure('internal', 'the answer is too large, or too deep, to be written; what was changed stands', {
      hint: 'leases go back: ask for fewer jobs at once',
      cause,
    })
  }
}
