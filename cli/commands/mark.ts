import { escaped } from '../../shared/text/escape.ts'
import { clockText } from '../../shared/times/time-and-size.ts'
import type { CommandSpec } from '../context.ts'
import { changeImmediately } from '../guard/immediate-change.ts'

export const mark: CommandSpec<object> = {
  name: 'mark',
  group: 'QUEUE',
  summary: 'mark this moment, such as a deployment',
  about:
    'Marks this moment with a text of at most 200 characters, which history shows, and by which --since of history and clusters finds the time. The newest 10,000 marks are kept.',
  examples: [
    'jobsctl mark "deploy 4711"',
    'jobsctl history --since "mark:deploy 4711"',
    'jobsctl clusters --since "mark:deploy 4711"',
  ],
  operands: '<text>',
  flags: [],
  async run(context, _flags, [text = '']) {
    const { addMark: endpoint } = await import('../../shared/history/marks.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const { another, print } = context
    const request = parseInput(endpoint.input, { text })
    const added = await changeImmediately(context, { endpoint, request, look: another(['history', '--since', '1h']) })
    if (!added) return 'ok'
    const since = another(['clusters', '--since', `mark:${added.text}`])
    print.sentence(
      added,
      `Marked ${clockText(added.at)}: ${escaped(added.text)}. Failures since then:  ${since}`,
      'done',
    )
    return 'ok'
  },
}
