import { Failure } from '../../shared/errors.ts'
import { queueWords } from '../../shared/text/shell.ts'
import type { CommandSpec, Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import type { QueueName } from '../settings/bare-queue.ts'
import { reasonFlag } from '../settings/flags/global-flags.ts'
import { describeScope } from '../settings/flags/scope-flags.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { refuseUnknown, stateBefore } from './queues/state-before.ts'

interface ThresholdFlags {
  create?: boolean
}

const example = 'jobsctl threshold media/ingest 10'

export const threshold: CommandSpec<ThresholdFlags> = {
  name: 'threshold',
  group: 'QUEUE',
  summary: 'after how many equal failures jobs of a queue are quarantined',
  about:
    'Sets, at once, after how many failures in a row with one error code jobs of a queue are quarantined: 1 to 100, off for never, or server for JOBS_QUARANTINE_THRESHOLD of the server. A job that was enqueued with a threshold of its own goes by that. Without a value it shows what is set. Each change is on record.',
  examples: [
    'jobsctl threshold media/ingest',
    `${example} --reason "the mailer is away for hours"`,
    'jobsctl threshold media/ingest off',
    'jobsctl threshold media/ingest server',
    'jobsctl queues --thresholds',
  ],
  operands: '<domain>/<queue> [1-100|off|server]',
  flags: [reasonFlag, { flags: '--create', about: 'accept a queue that has no job yet', group: 'HOW' }],
  async run(context, { create = false }, [word = '', value]) {
    const queue = await queueNamed(context, word, example)
    return value === undefined ? show(context, queue) : set(context, { queue, value, create })
  },
}

async function show(context: Context, queue: QueueName): Promise<Ending> {
  const { queueStatus: endpoint } = await import('../../shared/queues/queues.ts')
  const { answerOf } = await import('../answer-of.ts')
  const answer = await answerOf(context, endpoint, queue)
  if (!answer) return 'ok'
  const { quarantine_threshold = null } = answer.body
  // A mistyped name, or a queue that the caller may not see, is not one without a threshold.
  if (quarantine_threshold === null) {
    const hint = `all with a threshold of their own: ${context.another(['queues', '--thresholds'])}`
    await refuseUnknown(await context.client(), queue, { hint, end: '' })
  }
  context.print.sentence({ ...queue, quarantine_threshold }, sentence(queue, quarantine_threshold), 'plain')
  return 'ok'
}

interface Setting {
  queue: QueueName
  value: string
  create: boolean
}

async function set(context: Context, { queue, value, create }: Setting): Promise<Ending> {
  const { controlQueue: endpoint } = await import('../../shared/queues/queues.ts')
  const { another, flags, settings, print } = context
  const quarantine_threshold = thresholdOf(value, another(['threshold', ...queueWords(queue), '10']))
  // Without --reason the request has no reason; the header still names the user.
  const reason = flags.reason === undefined ? undefined : settings.reason
  await checkImmediate(context)
  // Refuses a name that no queue has.
  if (!settings.curl) await stateBefore(context, queue, create)
  const request = { ...queue, action: 'set', quarantine_threshold, ...(reason !== undefined && { reason }) }
  const state = await changeImmediately(context, { endpoint, request, look: another(['queues', '--thresholds']) })
  if (!state) return 'ok'
  const before = state.before?.quarantine_threshold ?? null
  const back = wordOf(before)
  const isSame = before === quarantine_threshold
  const undo = isSame ? ' Nothing was changed.' : `   Undo:  ${another(['threshold', ...queueWords(queue), back])}`
  const json = { operation: 'threshold', ...queue, quarantine_threshold, before }
  print.sentence(json, `${sentence(queue, quarantine_threshold)}${undo}`, isSame ? 'plain' : 'done')
  return 'ok'
}

/** @throws Failure `usage` for a word that is no threshold */
function thresholdOf(value: string, hint: string): number | null {
  if (value === 'off' || value === '0') return 0
  if (value === 'server') return null
  if (/^([1-9]\d?|100)$/.test(value)) return Number(value)
  throw new Failure('usage', 'the threshold must be 1 to 100, off or server', { hint })
}

const wordOf = (threshold: number | null): string =>
  threshold === null ? 'server' : threshold === 0 ? 'off' : String(threshold)

function sentence(queue: QueueName, threshold: number | null): string {
  const jobs = `Jobs of ${describeScope(queue)}`
  if (threshold === 0) return `${jobs} are not quarantined, however often they fail.`
  const after = threshold === null ? 'as many failures' : `${threshold} ${threshold === 1 ? 'failure' : 'failures'}`
  const end = threshold === null ? ' as the server says (JOBS_QUARANTINE_THRESHOLD).' : '.'
  return `${jobs} are quarantined after ${after} in a row with one error code${end}`
}
