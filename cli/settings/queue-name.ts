import { Failure } from '../../shared/errors.ts'

/**
 * The domain and the queue of `media/ingest`. The domain ends at the first slash; the queue may contain slashes.
 * @throws Failure `usage` with `example` as its hint, for a word that names no queue
 */
export async function queueNamed(word: string, example: string): Promise<{ domain: string; queue: string }> {
  const { QueueName, ScopeName } = await import('../../shared/scope.ts')
  const [, first = '', rest = ''] = /^([^/]*)\/?(.*)$/s.exec(word) ?? []
  const checked = (part: string, schema: typeof ScopeName, name: string): string => {
    const read = schema.safeParse(name)
    if (read.success) return read.data
    throw new Failure('usage', `<domain>/<queue>: the ${part} ${read.error.issues[0]?.message}`, { hint: example })
  }
  return { domain: checked('domain', ScopeName, first), queue: checked('queue', QueueName, rest) }
}
