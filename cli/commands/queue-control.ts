import type { QueueAction } from '../../shared/queues/queues.ts'
import type { CommandSpec } from '../command.ts'
import { changeImmediately } from '../guard/immediate-change.ts'
import { reasonFlag } from '../settings/global-flags.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { describeScope } from '../settings/scope-flags.ts'

export const pause = control('pause', {
  summary: 'hand out no jobs of a queue, at once',
  about: 'Stops handing out the jobs of a queue, at once. Running jobs continue; new jobs are accepted and wait.',
  why: 'disk full',
  say: (queue) => `Paused ${queue}. Running jobs continue.`,
  undo: 'resume',
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
  say: (queue) => `Draining ${queue}. Running jobs continue, new jobs are refused.`,
  undo: 'resume',
})

interface Control extends Pick<CommandSpec, 'summary' | 'about'> {
  /** A reason, for the examples. */
  why: string
  say: (queue: string) => string
  /** The action that undoes this one. */
  undo?: QueueAction
}

function control(action: QueueAction, { summary, about, why, say, undo }: Control): CommandSpec {
  return {
    name: action,
    group: 'QUEUE',
    summary,
    about,
    examples: [`jobsctl ${action} media/ingest`, `jobsctl ${action} media/ingest --reason "${why}"`],
    operands: '<domain>/<queue>',
    flags: [reasonFlag],
    async run(context, _flags, [word = '']) {
      const { controlQueue: endpoint } = await import('../../shared/queues/queues.ts')
      const { parseInput } = await import('../settings/flag-errors.ts')
      const { another, flags, settings } = context
      const queue = await queueNamed(word, `jobsctl ${action} media/ingest`)
      // Without --reason the request has no reason; the header still names the user.
      const reason = flags.reason === undefined ? undefined : settings.reason
      const request = parseInput(endpoint.input, { ...queue, action, reason })
      const state = await changeImmediately(context, { verb: action, endpoint, request, look: another(['queues']) })
      if (!state) return 'ok'
      const { paused, drain } = state
      const undone = undo ? `   Undo:  ${another([undo, ...operand(queue)])}` : ''
      context.print.sentence(
        { operation: action, ...queue, paused, drain },
        `${say(describeScope(queue))}${undone}`,
        'done',
      )
      return 'ok'
    },
  }
}

/** The operand; a name that looks like a flag stands after `--`. */
function operand({ domain, queue }: { domain: string; queue: string }): string[] {
  const word = `${domain}/${queue}`
  return word.startsWith('-') ? ['--', word] : [word]
}
