import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import { answerOf } from '../../answer-of.ts'
import type { CommandSpec } from '../../command.ts'
import { ago } from '../../output/ago.ts'
import { isoTime } from '../../output/iso-time.ts'
import type { Column } from '../../output/table.ts'

export const queues: CommandSpec = {
  name: 'queues',
  group: 'READ',
  summary: 'which queues are paused or draining',
  about: 'Lists the queues that are paused or draining, since when, and why.',
  examples: ['jobsctl queues', 'jobsctl queues --json'],
  flags: [],
  async run(context) {
    const { stoppedQueues: endpoint } = await import('../../../shared/queues/queues.ts')
    const answer = await answerOf(context, endpoint, {})
    if (!answer) return 'ok'
    const { body, raw } = answer
    context.print.rows({ columns, forPeople, rows: body, json: raw, empty: 'no queue is paused or draining' })
    return 'ok'
  },
}

/** A draining queue is paused, too; `draining` is the word that implies the other. */
const state: Column<StoppedQueue> = {
  title: 'state',
  value: ({ drain }) => (drain ? 'draining' : 'paused'),
  paint: () => 'yellow',
}
const reason: Column<StoppedQueue> = { title: 'reason', value: ({ reason }) => reason ?? '' }

const columns: Column<StoppedQueue>[] = [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  state,
  { title: 'updated_at', value: ({ updated_at }) => isoTime(updated_at ?? '') },
  reason,
]

const forPeople: Column<StoppedQueue>[] = [
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}`, gives: 'never' },
  { ...state, gives: 'never' },
  { title: 'since', value: ({ updated_at }) => (updated_at ? ago(updated_at) : ''), gives: 'never' },
  { ...reason, gives: 'first', below: true },
]
