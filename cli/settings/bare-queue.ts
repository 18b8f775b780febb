import { showEngine } from '../../shared/engine/engine.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { flagWords } from './flags/scope-flags.ts'

const mostNamed = 3

/**
 * The queue that a word names without its domain, which a server of one schema of another engine takes.
 * @param domain the one of several schemas that `--domain` chooses
 * @returns undefined where the server has own jobs alone, or none in the domain: no word alone names a queue there
 * @throws Failure `usage` for a word that may be a queue of several domains
 */
export async function bareQueue(
  { client, another }: Pick<Context, 'client' | 'another'>,
  queue: string,
  domain: string | undefined,
): Promise<{ domain: string; queue: string } | undefined> {
  const { engines } = await enginesOf(await client())
  const domains = engines.map(({ schema }) => schema).filter((schema) => domain === undefined || schema === domain)
  const named = domains.filter((schema) => schema !== null)
  const [first] = named
  if (first === undefined) return undefined
  if (domains.length === 1) return { domain: first, queue }
  const word = queue.startsWith('-') ? ['--', queue] : [queue]
  const lines = named
    .slice(0, mostNamed)
    .map((domain) => another(['explain', ...flagWords('--domain', domain), ...word]))
  throw new Failure('usage', `<queue>: ${queue} needs its domain, since the server has the jobs of several`, {
    hint: lines.join(', or '),
  })
}

/** What a server says of its engines; nothing where it is up to 0.2.0, or the caller may not ask. */
async function enginesOf(client: Awaited<ReturnType<Context['client']>>) {
  try {
    return (await client.call(showEngine, {})).body
  } catch (error) {
    if (error instanceof Failure && (error.code === 'not_found' || error.code === 'forbidden')) return { engines: [] }
    throw error
  }
}
