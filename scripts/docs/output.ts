import { topics } from '../../cli/commands/help/topics.ts'
import { block, page } from './markdown.ts'

/** What jobsctl writes where: the text of `jobsctl help output`. */
export const outputPage = (): string =>
  page('Output of jobsctl', 'This is the text of `jobsctl help output`.', block(topics.output?.() ?? ''))
