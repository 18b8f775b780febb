import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failures } from '../../shared/errors.ts'
import { getOperation } from '../../shared/records/records.ts'
import { now } from '../clock.ts'
import type { Context } from '../context.ts'
import { escaped } from '../escape.ts'
import { groupedDigits } from '../output/numbers.ts'

/** What has become of jobs that were requeued. */
export interface Judgement {
  verdict: 'completed' | 'failed' | 'undecided'
  /** `17 completed, 3 quarantined` */
  text: string
  /** Why nobody could look any more. */
  why?: string
}

interface Watching {
  id: number
  affected: number
  watchMs: number
}

const pauseMs = 1000

/** Looks once a second at the jobs of an operation, until they are decided or the time is over. */
export async function watchJobs(context: Context, { id, affected, watchMs }: Watching): Promise<Judgement> {
  const { io, print } = context
  const end = now() + watchMs
  let last: Judgement = { verdict: 'undecided', text: `${groupedDigits(affected)} not looked at yet` }
  for (;;) {
    const found = await look(context, id, affected)
    if (found.why !== undefined) return { ...last, why: found.why }
    if (found.judgement && found.judgement.text !== last.text) print.aside(`canaries: ${found.judgement.text}`)
    last = found.judgement ?? last
    const left = end - now()
    if (last.verdict !== 'undecided' || left <= 0 || io.signal.aborted) return last
    await sleep(Math.min(pauseMs, left), undefined, { signal: io.signal }).catch(() => {})
  }
}

/** A server that is away for a while is waited for. */
async function look(context: Context, id: number, affected: number): Promise<{ judgement?: Judgement; why?: string }> {
  const client = await context.newClient() // a deadline for each look, or a long watch would use up its own
  try {
    const { body } = await client.call(getOperation, { id: String(id) })
    return { judgement: judged(body.now, affected) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const passes = context.io.signal.aborted || failures[error.code].exit === 'unavailable'
    return passes ? {} : { why: error.message }
  }
}

const waiting = ['queued', 'processing']

/** All must be completed: a state that is neither that nor on the way there is a failure. */
function judged(now: Readonly<Record<string, number>>, affected: number): Judgement {
  const states = Object.entries(now).filter(([, count]) => count > 0)
  const text =
    states.map(([state, count]) => `${groupedDigits(count)} ${escaped(state)}`).join(', ') || 'nothing known of them'
  if (states.some(([state]) => state !== 'completed' && !waiting.includes(state))) return { verdict: 'failed', text }
  return { verdict: (now.completed ?? 0) >= affected ? 'completed' : 'undecided', text }
}
