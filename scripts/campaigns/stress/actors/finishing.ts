import { setTimeout as wait } from 'node:timers/promises'
import type { z } from 'zod'
import { complete, fail, finishMany, release } from '../../../../shared/endpoints.ts'
import type { FinishItem } from '../../../../shared/work/finish.ts'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'
import type { Answer, Caller } from './caller.ts'

export interface Reporting {
  caller: Caller
  journal: Journal
  random: Random
}

const tries = 40

/** Ends jobs, and repeats what was not answered, or refused for the moment, until it knows. */
export async function finishSoundly(items: readonly FinishItem[], by: Reporting): Promise<void> {
  for (let left = items, tried = 0; left.length > 0 && tried < tries; tried++) {
    if (tried > 0) await wait(by.random.between(20, 150))
    const heard = left.length === 1 || by.random.chance(0.2) ? await oneByOne(left, by) : await together(left, by)
    left = left.filter((item) => !heard.has(item))
  }
}

async function together(items: readonly FinishItem[], { caller, journal }: Reporting): Promise<Set<FinishItem>> {
  const request = caller.nextRequest()
  for (const item of items) journal.write({ kind: 'asked', request, ...finishOf(item) })
  const { body } = await caller.call(finishMany, { jobs: [...items] }, { request })
  for (const [at, result] of (body?.results ?? []).entries()) {
    const item = items[at]
    if (item?.id !== result.id) throw new Error('the results are not in the order of the request')
    const said = result.ok ? result.status : result.code
    journal.write({ kind: 'finished', request, ...finishOf(item), ok: result.ok, said })
  }
  return new Set(body ? items : [])
}

async function oneByOne(items: readonly FinishItem[], { caller, journal }: Reporting): Promise<Set<FinishItem>> {
  const heard = new Set<FinishItem>()
  for (const item of items) {
    const request = caller.nextRequest()
    journal.write({ kind: 'asked', request, ...finishOf(item) })
    const { body, code } = await send(item, caller, request)
    const said = body?.status ?? code
    if (said === undefined || passing.includes(said)) continue
    journal.write({ kind: 'finished', request, ...finishOf(item), ok: body !== undefined, said })
    heard.add(item)
  }
  return heard
}

/** Refusals for the moment. */
const passing = ['database_unavailable', 'database_busy', 'outcome_unknown']

function send(item: FinishItem, { call }: Caller, request: string): Promise<Answer<z.output<typeof complete.output>>> {
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
