import { Failure } from '../../shared/errors.ts'
import type { Throttle } from '../../shared/queues/throttle.ts'
import { queueWords } from '../../shared/text/shell.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import type { QueueName } from '../settings/bare-queue.ts'
import { reasonFlag } from '../settings/flags/global-flags.ts'
import { describeScope } from '../settings/flags/scope-flags.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { throttleText } from '../text/numbers.ts'
import { refuseUnknown, stateBefore } from './queues/state-before.ts'

interface ThrottleFlags {
  running?: string
  perMinute?: string
  off?: boolean
  create?: boolean
}

const example = 'jobsctl throttle media/ingest --running 5'

export const throttle: CommandSpec<ThrottleFlags> = {
  name: 'throttle',
  group: 'QUEUE',
  summary: 'how many jobs of a queue run at the same time, or begin in a minute',
  about:
    'Limits, at once, how many jobs of a queue run at the same time, or begin in a minute: the brake for a third party that refuses calls, in place of a pause. It holds for workers that acquire jobs from the server. Running jobs go on. Without a limit it shows what is set. Each change is on record.',
  examples: [
    'jobsctl throttle media/ingest',
    `${example} --reason "the provider refuses us"`,
    'jobsctl throttle media/ingest --running 5 --per-minute 60',
    'jobsctl throttle media/ingest --off',
    'jobsctl queues --throttles',
  ],
  operands: '<domain>/<queue>',
  flags: [
    { flags: '--running <n|off>', about: 'the most jobs that run at the same time, 1 to 10,000', group: 'HOW' },
    { flags: '--per-minute <n|off>', about: 'the most jobs that begin in a minute, 1 to 60,000', group: 'HOW' },
    { flags: '--off', about: 'end the throttle', group: 'HOW' },
    reasonFlag,
    { flags: '--create', about: 'accept a queue that has no job yet', group: 'HOW' },
  ],
  async run(context, flags, [word = '']) {
    const queue = await queueNamed(context, word, example)
    const words = queueWords(queue)
    const wanted = wantedBy(flags, {
      pause: context.another(['pause', ...words]),
      limit: (flag) => context.another(['throttle', ...words, flag, '5']),
    })
    return wanted ? set(context, { queue, wanted, create: flags.create ?? false }) : show(context, queue)
  },
}

interface Instead {
  pause: string
  limit: (flag: string) => string
}

/**
 * The limits that the flags set; undefined where they set none.
 *
 * @param instead the commands of the hints: what stops the queue, which a limit of 0 would do, and what sets a limit
 * @throws Failure `usage` for a value that is no limit, and for `--off` beside a limit
 */
function wantedBy({ running, perMinute, off = false }: ThrottleFlags, instead: Instead): Partial<Throttle> | undefined {
  if (off && (running !== undefined || perMinute !== undefined))
    throw new Failure('usage', '--off ends both limits, so that it goes with neither --running nor --per-minute', {
      hint: 'name one limit as off to keep the other: --running off',
    })
  if (off) return { running: null, per_minute: null }
  if (running === undefined && perMinute === undefined) return undefined
  return {
    ...(running !== undefined && { running: limitOf(running, { flag: '--running', most: 10_000 }, instead) }),
    ...(perMinute !== undefined && { per_minute: limitOf(perMinute, { flag: '--per-minute', most: 60_000 }, instead) }),
  }
}

function limitOf(value: string, { flag, most }: { flag: string; most: number }, instead: Instead): number | null {
  if (value === 'off') return null
  if (value === '0')
    throw new Failure('usage', `${flag} 0 would stop the queue, which is a pause; nothing was changed`, {
      hint: instead.pause,
    })
  const limit = /^[1-9]\d{0,4}$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY
  if (limit <= most) return limit
  throw new Failure('usage', `${flag} must be 1 to ${most.toLocaleString('en-US')}, or off`, {
    hint: instead.limit(flag),
  })
}

async function show(context: Context, queue: QueueName): Promise<Ending> {
  const { queueStatus: endpoint } = await import('../../shared/queues/queues.ts')
  const answer = await answerOf(context, endpoint, queue)
  if (!answer) return 'ok'
  const set = answer.body.throttle ?? none
  // A mistyped name, or a queue that the caller may not see, is not one without a throttle.
  if (!answer.body.throttle) {
    const hint = `all that are throttled: ${context.another(['queues', '--throttles'])}`
    await refuseUnknown(await context.client(), queue, { hint, end: '' })
  }
  context.print.sentence({ ...queue, ...set }, sentence(queue, set), 'plain')
  return 'ok'
}

const none: Throttle = { running: null, per_minute: null }

interface Setting {
  queue: QueueName
  wanted: Partial<Throttle>
  create: boolean
}

async function set(context: Context, { queue, wanted, create }: Setting): Promise<Ending> {
  const { throttleQueue: endpoint } = await import('../../shared/queues/throttle.ts')
  const { another, flags, settings, print } = context
  // Without --reason the request has no reason; the header still names the user.
  const reason = flags.reason === undefined ? undefined : settings.reason
  await checkImmediate(context)
  // Refuses a name that no queue has.
  if (!settings.curl) await stateBefore(context, queue, create)
  const request = { ...queue, ...wanted, ...(reason !== undefined && { reason }) }
  const answer = await changeImmediately(context, {
    endpoint,
    request,
    look: another(['throttle', ...queueWords(queue)]),
  })
  if (!answer) return 'ok'
  const { running, per_minute, before } = answer
  const isSame = running === before.running && per_minute === before.per_minute
  const undo = isSame
    ? ' Nothing was changed.'
    : `   Undo:  ${another(['throttle', ...queueWords(queue), ...wordsOf(before)])}`
  const json = { operation: 'throttle', ...queue, running, per_minute, before }
  print.sentence(json, `${sentence(queue, { running, per_minute })}${undo}`, isSame ? 'plain' : 'done')
  return 'ok'
}

/** The flags that set a throttle again, whatever is set by then. */
const wordsOf = ({ running, per_minute }: Throttle): string[] =>
  running === null && per_minute === null
    ? ['--off']
    : ['--running', String(running ?? 'off'), '--per-minute', String(per_minute ?? 'off')]

const sentence = (queue: QueueName, limits: Throttle): string =>
  limits.running === null && limits.per_minute === null
    ? `${describeScope(queue)} is not throttled.`
    : `${describeScope(queue)} is throttled to ${throttleText(limits)}.`
