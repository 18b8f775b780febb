import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failures } from '../../shared/errors.ts'
import { getOperation } from '../../shared/records/records.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { Context } from '../context.ts'
import { groupedDigits } from '../text/numbers.ts'

/** The states of requeued jobs, and the verdict on them. */
export interface Judgement {
  verdict: 'completed' | 'failed' | 'undecided'
  /** `17 completed, 3 quarantined` */
  text: string
  /** Why the states could no longer be read. */
  why?: string
}

interface Watching {
  id: number
  affected: number
  watchMs: number
}

const pauseMs = 1000

/** Reads the states of an operation's jobs once a second, until there is a verdict or `watchMs` milliseconds are over. */
export async function watchJobs(context: Context, { id, affected, watchMs }: Watching): Promise<Judgement> {
  const { io, print } = context
  const end = performance.now() + watchMs
  let last: Judgement = { verdict: 'undecided', text: `${groupedDigits(affected)} not read yet` }
  for (;;) {
    const found = await look(context, id, affected)
    if (found.why !== undefined) return { ...last, why: found.why }
    if (found.judgement && found.judgement.text !== last.text) print.aside(`canary jobs: ${found.judgement.text}`)
    last = found.judgement ?? last
    const left = end - performance.now()
    if (last.verdict !== 'undecided' || left <= 0 || io.signal.aborted) return last
    await sleep(Math.min(pauseMs, left), undefined, { signal: io.signal }).catch(() => {})
  }
}

/** One look at the states; a server that is unavailable for a while gives none, and the watch goes on. */
async function look(context: Context, id: number, affected: number): Promise<{ judgement?: Judgement; why?: string }> {
  const client = await context.newClient() // each look has its own deadline, so that a long watch does not use up one deadline
  try {
    const { body } = await client.call(getOperation, { id: String(id) })
    return { judgement: judged(body.now, affected) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const temporary = context.io.signal.aborted || failures[error.code].exit === 'unavailable'
    return temporary ? {} : { why: error.message }
  }
}

const waiting = ['queued', 'processing']

/** All jobs must become completed: a state other than queued, processing or completed is a failure. */
function judged(now: Readonly<Record<string, number>>, affected: number): Judgement {
  const states = Object.entries(now).filter(([, count]) => count > 0)
  const text =
    states.map(([state, count]) => `${groupedDigits(count)} ${escaped(state)}`).join(', ') || 'no job is left'
  if (states.some(([state]) => state !== 'completed' && !waiting.includes(state))) return { verdict: 'failed', text }
  return { verdict: (now.completed ?? 0) >= affected ? 'completed' : 'undecided', text }
}
