import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import type { QueueName } from './bare-queue.ts'
import { describeScope } from './flags/scope-flags.ts'

/**
 * The domain and the queue of `media/ingest`. The domain ends at the first slash; the queue may contain slashes. A word without a slash is a queue
 * of the one schema of another engine that is served. It is never the one that happens to be known: tomorrow another domain may have a queue of this
 * name. With `--curl` nothing is asked.
 * @throws Failure `usage` for a word that names no queue, with the queues of this name as its hint
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
  const { namesText, queuesNamed } = await import('./bare-queue.ts')
  const { served, known } = await queuesNamed(context, queue)
  if (served) return served
  const named = JSON.stringify(queue)
  if (known.length === 0)
    throw new Failure('usage', `<domain>/<queue>: no domain is known to have a queue ${named}; nothing was changed`, {
      hint: `name it with its domain: ${example}`,
    })
  throw new Failure('usage', `<domain>/<queue>: the queue ${named} needs its domain; nothing was changed`, {
    hint: namesText(known.map(describeScope)),
  })
}
