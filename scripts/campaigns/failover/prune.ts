import { setTimeout as wait } from 'node:timers/promises'
import { prune } from '../../../shared/endpoints.ts'
import { call, type Outcome } from '../trust/calls.ts'
import { filled } from './fill.ts'

/** A prune that is asked for again and again until it is done. */
export interface Pruning {
  /** Resolves when so many jobs are deleted, or after 10 s. */
  reached: Promise<unknown>
  /** Waits for its end, for at most two minutes. Resolves to how each call ended; the last one was done, or the time ran out. */
  finish: () => Promise<Outcome<unknown>[]>
}

const markMs = 10_000
const limitMs = 120_000

/** Prunes through one server after the other, until one of them answers that it is done. */
export function startPrune(servers: readonly string[], mark: number): Pruning {
  let atMark = () => {}
  const reached = new Promise<void>((resolve) => {
    atMark = resolve
  })
  const outcomes: Outcome<unknown>[] = []
  let end = Number.POSITIVE_INFINITY
  const ask = async () => {
    for (; Date.now() < end; await wait(300)) {
      const server = servers[outcomes.length % servers.length] ?? ''
      const outcome = await call(
        server,
        prune,
        { domain: filled, older_than_days: 30, dry_run: false },
        { progressed: ({ affected }) => affected >= mark && atMark() },
      )
      outcomes.push(outcome)
      if (outcome.code === undefined) break
    }
    atMark()
  }
  const asked = ask()
  return {
    reached: Promise.race([reached, wait(markMs)]),
    async finish() {
      end = Date.now() + limitMs
      await asked
      return outcomes
    },
  }
}
