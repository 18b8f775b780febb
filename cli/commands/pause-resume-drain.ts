import type { QueueAction } from '../../shared/queues/queues.ts'
import { queueWords } from '../../shared/text/shell.ts'
import type { CommandSpec, Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import type { QueueName } from '../settings/bare-queue.ts'
import type { Flag } from '../settings/flags/flag.ts'
import { reasonFlag } from '../settings/flags/global-flags.ts'
import { describeScope } from '../settings/flags/scope-flags.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { stateBefore } from './queues/state-before.ts'

const createFlag: Flag = { flags: '--create', about: 'accept a queue that has no job yet', group: 'HOW' }

export const pause = control('pause', {
  summary: 'hand out no jobs of a queue, at once',
  about: 'Stops handing out the jobs of a queue, at once. Running jobs continue; new jobs are accepted and wait.',
  why: 'disk full',
  say: (queue) => `Paused ${queue}. Running jobs continue.`,
})

export const resume = control('resume', {
  summary: 'hand out the jobs of a queue again',
  about: 'Hands out the jobs of a queue again and accepts new jobs, at once.',
  why: 'disk is free again',
  say: (queue) => `Resumed ${queue}.`,
})

export const drain = control('drain', {
  summary: 'pause a queue and refuse new jobs',
  about: 'Stops handing out the jobs of a queue and refuses new jobs, at once. Running jobs continue.',
  why: 'moving to another host',
  say: (queue, server) =>
    server === 'another'
      ? `Draining ${queue}. Running jobs continue; this server goes on accepting new jobs.`
      : `Draining ${queue}. Running jobs continue, new jobs are refused.`,
})

interface Control extends Pick<CommandSpec, 'summary' | 'about'> {
  /** A reason, for the examples. */
  why: string
  say: (queue: string, server: 'jobs-server' | 'another') => string
}

interface ControlFlags {
  create?: boolean
}

function control(action: QueueAction, { summary, about, why, say }: Control): CommandSpec<ControlFlags> {
  return {
    name: action,
    group: 'QUEUE',
    summary,
    about: `${about} Each pause, drain and resume is on record, with its caller and its reason: the last example shows them.`,
    examples: [
      `jobsctl ${action} media/ingest`,
      `jobsctl ${action} media/ingest --reason "${why}"`,
      'jobsctl operations --kind acts --domain media --queue ingest',
    ],
    operands: '<domain>/<queue>',
    flags: [reasonFlag, createFlag],
    async run(context, { create = false }, [word = '']) {
      const { controlQueue: endpoint } = await import('../../shared/queues/queues.ts')
      const { parseInput } = await import('../settings/flags/flag-errors.ts')
      const { another, flags, settings, print } = context
      const queue = await queueNamed(context, word, `jobsctl ${action} media/ingest`)
      // Without --reason the request has no reason; the header still names the user.
      const reason = flags.reason === undefined ? undefined : settings.reason
      // Left out, since an earlier server refuses a field that it does not know, and the default is what is meant.
      const { must_exist: _, ...request } = parseInput(endpoint.input, { ...queue, action, reason })
      await checkImmediate(context)
      const before = settings.curl ? undefined : await stateBefore(context, queue, create)
      if (before && reason === undefined && before.action === action) return unchanged(context, action, queue)
      const state = await changeImmediately(context, { endpoint, request, look: another(['queues']) })
      if (!state) return 'ok'
      const { paused, drain } = state
      const text = say(describeScope(queue), before?.server ?? 'jobs-server')
      const back = before === undefined || before.action === action ? undefined : before.action
      const undone = back === undefined ? '' : `   Undo:  ${another([back, ...queueWords(queue)])}`
      print.sentence({ operation: action, ...queue, paused, drain }, `${text}${undone}`, 'done')
      return 'ok'
    },
  }
}

/** The queue is in the wanted state already: its reason and its time are kept. */
function unchanged({ print, another }: Context, action: QueueAction, queue: QueueName): Ending {
  const state = { paused: action !== 'resume', drain: action === 'drain' }
  const text = `${describeScope(queue)} is ${stateWords[action]} already; nothing was changed. See:  ${another(['queues'])}`
  print.sentence({ operation: action, ...queue, ...state }, text, 'plain')
  return 'ok'
}

const stateWords: Record<QueueAction, string> = { pause: 'paused', resume: 'running', drain: 'draining' }
