import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import type { QueueName } from './bare-queue.ts'

/**
 * The domain and the queue of `media/ingest`. The domain ends at the first slash; the queue may contain slashes. A word without a slash is a queue
 * whose domain the server tells (`bareQueue`); with `--curl` nothing is asked.
 * @throws Failure `usage` with `example` as its hint, for a word that names no queue, or queues of several domains
 */
export async function queueNamed(context: Context, word: string, example: string): Promise<QueueName> {
  const { QueueName, ScopeName } = await import('../../shared/scope.ts')
  const [, first = '', rest = ''] = /^([^/]*)\/?(.*)$/s.exec(word) ?? []
  const checked = (part: string, schema: typeof ScopeName, name: string): string => {
    const read = schema.safeParse(name)
    if (read.success) return read.data
    throw new Failure('usage', `<domain>/<queue>: the ${part} ${read.error.issues[0]?.message}`, { hint: example })
  }
  if (word.includes('/') || context.settings.curl)
    return { domain: checked('domain', ScopeName, first), queue: checked('queue', QueueName, rest) }
  const queue = checked('queue', QueueName, word)
  const { bareQueue } = await import('./bare-queue.ts')
  const found = await bareQueue(context, queue, undefined)
  if (found) return found
  throw new Failure('usage', `<domain>/<queue>: no domain is known to have a queue ${JSON.stringify(queue)}`, {
    hint: `name it with its domain: ${example}`,
  })
}
