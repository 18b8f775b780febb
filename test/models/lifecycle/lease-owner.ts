import { expect } from 'vitest'
import { failures } from '../../../shared/errors.ts'
import { FinishResult } from '../../../shared/work/finish.ts'
import { RenewResult } from '../../../shared/work/renew.ts'
import type { Answer } from '../../support/http.ts'
import { finish, isHeldBy, keyOf, type Refused, renew } from './calls.ts'
import { type CommandOf, type Ending, newest, type Who, workers } from './commands.ts'
import { find, type Held, type Model } from './model.ts'
import { inModelTime, type Sent, type Session } from './observe.ts'

function heldBy(model: Model, who: Who, pick: number): Held | undefined {
  if (who === 'nobody') return { id: 999_999, worker_id: 'w1', lease_id: 'none' }
  const leases = who === 'former' ? model.leases : model.leases.filter((held) => isHeldBy(find(model, held.id), held))
  const held = newest(leases, pick)
  if (who !== 'other worker' || !held) return held
  return { ...held, worker_id: workers.find((worker) => worker !== held.worker_id) ?? '' }
}

/** A call names each job once. */
const distinct = <T extends { held: Held }>(items: T[]): T[] =>
  items.filter(({ held }, n) => items.findIndex((other) => other.held.id === held.id) === n)

export async function sendRenew(session: Session, { items, batch }: CommandOf<'renew'>) {
  const { model, world, moved } = session
  const requests = distinct(
    items.flatMap(({ who, pick, lease, progress }) => {
      const held = heldBy(model, who, pick)
      return held ? [{ held, lease_seconds: lease, progress_percent: progress }] : []
    }),
  )
  const [first] = requests
  if (!first) return
  const bodies = requests.map(({ held, ...more }) => ({ ...held, ...more }))
  const outcomes = requests.map((request) => renew(model, request))
  const one = requests.length === 1 && !batch
  const answer = one
    ? await world.post(`/api/v1/jobs/${first.held.id}/renew`, { ...bodies[0], id: undefined })
    : await world.post('/api/v1/jobs/renew', { jobs: bodies })
  return () => {
    const results = RenewResult.array().parse(resultsOf(answer, one ? first.held.id : undefined))
    const expected = outcomes.map((outcome, n) => {
      if ('code' in outcome) return refusal(requests[n]?.held, outcome)
      const { id, leased_until, cancel_requested_at } = outcome.row
      return { ok: true, id, leased_until, cancel_requested: cancel_requested_at !== null }
    })
    expect(results.map((result) => inModelTime(result, moved))).toEqual(expected)
  }
}

const refusal = (held: Held | undefined, { code }: Refused) => ({
  ...{ ok: false, id: held?.id, code, detail: expect.any(String) },
})

/** The results of a call for many; that of a call for one job in the same form. */
function resultsOf({ status, body }: Answer, id: number | undefined): unknown {
  const fields = typeof body === 'object' && body !== null ? body : {}
  if (id === undefined) return 'results' in fields ? fields.results : body
  if (status === 200) return [{ ok: true, ...fields }]
  const code = Object.entries(failures).find(([name]) => 'code' in fields && fields.code === name)
  expect(status).toBe(code?.[1].status)
  return [{ ok: false, ...fields, id }]
}

function requestOf(session: Session, { who, pick, ...ending }: Ending): Sent | undefined {
  if (who === 'again') {
    const sent = newest(session.sent, pick)
    if (!sent || ending.same_token) return sent
    const { token } = ending
    return {
      ...sent,
      attempt: { ...sent.attempt, token: token ?? null },
      body: { ...sent.body, completion_token: token },
    }
  }
  const held = heldBy(session.model, who, pick)
  return held && { held, ...attemptOf(ending) }
}

/** The fields of the same finish for the model and the server. */
function attemptOf({ action, token, code, retryable, backoff }: Omit<Ending, 'who' | 'pick'>): Omit<Sent, 'held'> {
  const result = { pages: 3 }
  const fields = {
    complete: { result },
    fail: { error: 'broken', error_code: code, retryable, backoff_seconds: backoff },
    release: {},
  }
  return {
    attempt: {
      action,
      token: token ?? null,
      result,
      error: 'broken',
      code: code ?? null,
      retryable,
      backoff: backoff ?? 1,
    },
    body: { completion_token: token, ...fields[action] },
  }
}

export async function sendFinish(session: Session, { items, batch, twice }: CommandOf<'finish'>) {
  const { model, world } = session
  const sent = distinct(items.flatMap((item) => requestOf(session, item) ?? []))
  const [first] = sent
  if (!first) return
  session.sent.push(...sent)
  const one = sent.length === 1 && !batch
  const send = () => {
    const { held, attempt, body } = first
    const { id, ...by } = held
    if (one) return world.post(`/api/v1/jobs/${id}/${attempt.action}`, { ...by, ...body })
    return world.post('/api/v1/jobs/finish', {
      jobs: sent.map(({ held, attempt: { action }, body }) => ({ action, ...held, ...body })),
    })
  }
  const answers = await Promise.all(one && twice ? [send(), send()] : [send()])
  // Which of two came first, their answers say.
  const sorted = answers.sort((a, b) => a.status - b.status)
  const outcomes = sorted.map(() => finish(model, sent))
  return () => {
    for (const [n, answer] of sorted.entries()) {
      const results = FinishResult.array().parse(resultsOf(answer, one ? first.held.id : undefined))
      expect(results).toHaveLength(sent.length)
      for (const [at, request] of sent.entries()) checkFinish(session, request, outcomes[n]?.[at], results[at])
    }
  }
}

function checkFinish(
  { finishResults, moved }: Session,
  { held, attempt }: Sent,
  outcome: ReturnType<typeof finish>[number] | undefined,
  result: FinishResult | undefined,
): void {
  if (!outcome || !result) throw new Error(`there is no result for job ${held.id}`)
  const key = keyOf(held, attempt) ?? ''
  if (outcome === 'as before') {
    expect(result).toEqual(finishResults.get(key))
  } else if ('code' in outcome) {
    expect(result).toEqual(refusal(held, outcome))
  } else {
    const { id, status, retry_count, available_at } = outcome.row
    const due = status === 'queued' ? available_at : null
    expect(inModelTime(result, moved)).toEqual({ ok: true, id, status, retry_count, available_at: due })
    finishResults.set(key, result)
  }
}
