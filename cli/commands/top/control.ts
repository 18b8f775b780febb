import { Failure } from '../../../shared/errors.ts'
import { queueWords } from '../../../shared/text/shell.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import type { Effect } from './keys.ts'
import type { TopState } from './state.ts'

type Control = Extract<Effect, { kind: 'control' }>

/** Pauses or resumes a queue, and says in a sentence what came of it. */
export async function controlChosen(
  context: Context,
  { queue: wanted, reason }: Control,
): Promise<TopState['message']> {
  const { controlQueue } = await import('../../../shared/queues/queues.ts')
  const { domain, queue, action } = wanted
  const place = describeScope({ domain, queue })
  // Each change has its own deadline, however long the screen has been open.
  const own: Context = { ...context, client: () => context.newClient() }
  const request = { domain, queue, action, reason }
  const look = context.another(['queues'])
  let back = action === 'pause' ? 'resume' : 'pause'
  try {
    const state = await changeImmediately(own, { endpoint: controlQueue, request, look })
    // Another person may have stopped the queue in another way meanwhile.
    if (state?.before) back = state.before.drain ? 'drain' : state.before.paused ? 'pause' : 'resume'
  } catch (error) {
    if (!(error instanceof Failure) || context.io.signal.aborted) throw error
    return { text: `${place}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`, isError: true }
  }
  if (back === action) return { text: `${place} was in this state already; it has the new reason now`, isError: false }
  const undo = context.another([back, ...queueWords({ domain, queue })])
  return { text: `${action === 'pause' ? 'Paused' : 'Resumed'} ${place}.   Undo:  ${undo}`, isError: false }
}
