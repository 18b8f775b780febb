import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import {
  type SelectionFlags,
  selectionFlags,
  selectionOf,
  selectionOrExample,
} from '../settings/flags/selection-flags.ts'
import { durationText, seconds } from '../text/duration.ts'

interface RescheduleFlags extends SelectionFlags {
  now?: boolean
  in?: string
  at?: string
  by?: string
  spread?: string
}

export const reschedule: CommandSpec<RescheduleFlags> = {
  name: 'reschedule',
  group: 'CHANGE',
  summary: 'move the times from which queued jobs run',
  about: 'Moves the time from which queued jobs can run: to now, to a time, or by a duration.',
  examples: [
    'jobsctl reschedule --domain chatbooks --queue low --in 2h --spread 30m --dry-run',
    'jobsctl reschedule --domain chatbooks --by=-15m --yes',
  ],
  operands: '[ids...]',
  flags: [
    ...selectionFlags,
    ...flagsIn('HOW', {
      '--now': 'due at once; jobs that are due keep their place',
      '--in <duration>': 'due after this time from now',
      '--at <time>': { about: 'due at this time or day, or 2h from now', time: 'future' },
      '--by <duration>': 'due later by 15m, or earlier by -15m',
      '--spread <duration>': 'spread the jobs over this time from then on',
    }),
  ],
  changes: true,
  async run(context, flags, ids) {
    const { guardFiltered, rescheduleChange } = await import('../changes/filtered.ts')
    const time = timeOf(flags, () =>
      context.another(['reschedule', ...selectionOrExample(flags, ids), '--in', '2h', '--dry-run']),
    )
    const spread_seconds = flags.spread === undefined ? undefined : seconds(flags.spread, '--spread')
    const selected = await selectionOf(context, flags, ids)
    const fields = { ...selected.fields, ...time.fields, ...(spread_seconds !== undefined && { spread_seconds }) }
    const spread = spread_seconds === undefined ? [] : ['--spread', durationText(spread_seconds)]
    const words = ['reschedule', ...selected.words, ...time.words, ...spread]
    return guardFiltered(context, flags, rescheduleChange(fields, words))
  },
}

/**
 * The new time as fields of the request, and as words of the command line.
 * @param example the command with a time, for the hint
 * @throws Failure `usage` unless exactly one time is given
 */
function timeOf(
  { now, in: after, at, by }: RescheduleFlags,
  example: () => string,
): { fields: object; words: string[] } {
  const given = [now, after, at, by].filter((flag) => flag !== undefined)
  if (given.length !== 1) {
    throw new Failure('usage', 'to when? give one of --now, --in, --at and --by; nothing was changed', {
      hint: example(),
    })
  }
  if (at !== undefined) return { fields: { available_at: at }, words: ['--at', at] }
  if (after !== undefined) return { fields: { delay_seconds: seconds(after, '--in') }, words: ['--in', after] }
  if (by !== undefined) {
    const least = seconds(by.replace(/^-/, ''), '--by')
    return { fields: { by_seconds: by.startsWith('-') ? -least : least }, words: [`--by=${by}`] }
  }
  return { fields: { delay_seconds: 0 }, words: ['--now'] }
}
