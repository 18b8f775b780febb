import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { topicNames, topicOn } from './help/topics.ts'

export const help: CommandSpec = {
  name: 'help',
  group: 'SETUP',
  summary: `${topicNames.join(', ')}, or a command`,
  about: 'Explains a command or a topic.',
  examples: ['jobsctl help exit-codes', 'jobsctl help prune'],
  operands: '[topic]',
  flags: [],
  async run({ print }, _flags, [topic]) {
    const text = topicOn(topic)
    if (text === undefined)
      throw new Failure('usage', `there is no help topic ${topic}`, {
        hint: `topics: ${topicNames.join(', ')}`,
      })
    print.text(text)
    return 'ok'
  },
}
