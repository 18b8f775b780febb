import type { StoppedQueue } from '../../shared/queues/queues.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec } from '../context.ts'
import { queueColumn } from '../output/queue-column.ts'
import type { Column } from '../output/table.ts'
import { throttleText } from '../text/numbers.ts'
import { isoTime } from '../text/times.ts'

interface QueuesFlags {
  thresholds?: boolean
  throttles?: boolean
}

export const queues: CommandSpec<QueuesFlags> = {
  name: 'queues',
  group: 'READ',
  summary: 'which queues are paused or draining',
  about: 'Lists the queues that are paused or draining, since when, and why.',
  examples: ['jobsctl queues', 'jobsctl queues --json', 'jobsctl queues --throttles'],
  flags: [
    { flags: '--thresholds', about: 'queues with a threshold of their own, too (jobsctl threshold)', group: 'HOW' },
    { flags: '--throttles', about: 'throttled queues, too (jobsctl throttle)', group: 'HOW' },
  ],
  rows: () => [...columns, threshold, throttle],
  async run(context, { thresholds = false, throttles = false }) {
    const { stoppedQueues: endpoint } = await import('../../shared/queues/queues.ts')
    const answer = await answerOf(context, endpoint, {
      ...(thresholds && { thresholds }),
      ...(throttles && { throttles }),
    })
    if (!answer) return 'ok'
    const { body, raw } = answer
    const more = [...(thresholds ? [threshold] : []), ...(throttles ? [throttle] : [])]
    const which = [
      'is paused or draining',
      ...(thresholds ? ['has a threshold'] : []),
      ...(throttles ? ['is throttled'] : []),
    ]
    const empty = `no queue ${which.join(', or ')}`
    context.print.rows({
      columns: [...columns, ...more],
      more: [...(thresholds ? [] : [threshold]), ...(throttles ? [] : [throttle])],
      forPeople: [...forPeople, ...more],
      rows: body,
      json: raw,
      empty,
    })
    return 'ok'
  },
}

/** A draining queue is paused, too; `draining` is the word that implies the other. */
const state: Column<StoppedQueue> = {
  title: 'state',
  value: ({ drain, paused }) => (drain ? 'draining' : paused ? 'paused' : 'running'),
  paint: ({ drain, paused }) => (drain || paused ? 'yellow' : undefined),
}
const reason: Column<StoppedQueue> = { title: 'reason', value: ({ reason }) => reason ?? '' }

/** Of equal failures after which jobs are quarantined; blank as the server says. */
const threshold: Column<StoppedQueue> = {
  title: 'threshold',
  value: ({ quarantine_threshold: set }) => (set === 0 ? 'off' : String(set ?? '')),
}

const throttle: Column<StoppedQueue> = {
  title: 'throttle',
  value: ({ throttle: set }) => (set ? throttleText(set) : ''),
}

const columns: Column<StoppedQueue>[] = [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  state,
  { title: 'updated_at', value: ({ updated_at }) => isoTime(updated_at ?? '') },
  reason,
]

const forPeople: Column<StoppedQueue>[] = [
  queueColumn,
  { ...state, gives: 'never' },
  { title: 'since', value: ({ updated_at }) => (updated_at ? ago(updated_at) : ''), gives: 'never' },
  { ...reason, gives: 'first', below: true },
]
