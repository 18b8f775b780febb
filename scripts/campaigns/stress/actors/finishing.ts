import { setTimeout as wait } from 'node:timers/promises'
import type { z } from 'zod'
import { complete, fail, finishMany, release } from '../../../../shared/endpoints.ts'
import type { FinishItem } from '../../../../shared/work/finish.ts'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'
import type { Caller, CallResult } from './caller.ts'

/** What a worker needs to finish jobs. */
export interface Finishing {
  caller: Caller
  journal: Journal
  random: Random
}

const maxAttempts = 40

/** Finishes jobs. Repeats a finish after an unknown outcome or a transient error, up to 40 times. */
export async function finishWithRetries(items: readonly FinishItem[], by: Finishing): Promise<void> {
  for (let left = items, attempt = 0; left.length > 0 && attempt < maxAttempts; attempt++) {
    if (attempt > 0) await wait(by.random.between(20, 150))
    const settled =
      left.length === 1 || by.random.chance(0.2) ? await finishOneByOne(left, by) : await finishTogether(left, by)
    left = left.filter((item) => !settled.has(item))
  }
}

/** Finishes jobs in one call. Returns the items that have a result. */
async function finishTogether(items: readonly FinishItem[], { caller, journal }: Finishing): Promise<Set<FinishItem>> {
  const request = caller.nextRequest()
  for (const item of items) journal.write({ kind: 'finish-sent', request, ...finishOf(item) })
  const { body } = await caller.call(finishMany, { jobs: [...items] }, { request })
  for (const [at, result] of (body?.results ?? []).entries()) {
    const item = items[at]
    if (item?.id !== result.id) throw new Error('the results are not in the order of the request')
    const outcome = result.ok ? result.status : result.code
    journal.write({ kind: 'finished', request, ...finishOf(item), ok: result.ok, outcome })
  }
  return new Set(body ? items : [])
}

/** Finishes jobs in one call each. Returns the items that have a result. */
async function finishOneByOne(items: readonly FinishItem[], { caller, journal }: Finishing): Promise<Set<FinishItem>> {
  const settled = new Set<FinishItem>()
  for (const item of items) {
    const request = caller.nextRequest()
    journal.write({ kind: 'finish-sent', request, ...finishOf(item) })
    const { body, code } = await send(item, caller, request)
    const outcome = body?.status ?? code
    if (outcome === undefined || transient.includes(outcome)) continue
    journal.write({ kind: 'finished', request, ...finishOf(item), ok: body !== undefined, outcome })
    settled.add(item)
  }
  return settled
}

/** Error codes after which a finish is repeated. */
const transient = ['database_unavailable', 'database_busy', 'outcome_unknown']

function send(
  item: FinishItem,
  { call }: Caller,
  request: string,
): Promise<CallResult<z.output<typeof complete.output>>> {
  const { action, ...rest } = item
  const input = { ...rest, id: String(item.id) }
  if (action === 'complete') return call(complete, input, { request })
  if (item.action === 'fail') {
    const { action: _, ...failure } = item
    return call(fail, { ...failure, id: input.id }, { request })
  }
  return call(release, input, { request })
}

const finishOf = ({ id, lease_id, completion_token, action }: FinishItem) => ({
  ...{ job: id, lease: lease_id, action },
  ...(completion_token !== undefined && { token: completion_token }),
})
