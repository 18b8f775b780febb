import { Failure, failures } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import { commandLine } from '../../shared/shell.ts'
import { nearestName } from '../command-line/nearest-name.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import { describeScope, flagWords } from '../settings/flags/scope-flags.ts'

/**
 * Throws where no job was ever in a scope, by stats and the event log.
 * @throws Failure `not_found` with the most similar name as its hint
 */
export async function refuseUnknownScope(client: Client, scope: Scope): Promise<void> {
  const found = await unknownScope(client, scope)
  if (found === undefined) return
  throw new Failure('not_found', `${found.text}; nothing was changed`, { hint: found.hint })
}

/** Notes at a terminal that no job was ever in a scope, which is often misspelled. */
export async function noteUnknownScope({ client, print }: Context, scope: Scope): Promise<void> {
  const found = await unknownScope(await client(), scope)
  if (found !== undefined) print.aside(`note: ${found.text}${found.hint === undefined ? '' : `; ${found.hint}`}`)
}

interface Unknown {
  text: string
  hint: string | undefined
}

async function unknownScope(client: Client, scope: Scope): Promise<Unknown | undefined> {
  if (Object.keys(scope).length === 0) return undefined
  const { stats } = await import('../../shared/queues/stats.ts')
  const { events } = await import('../../shared/records/events.ts')
  const [logged, here] = [
    await rowsOf(() => client.call(events, { ...scope, after_id: '0', limit: '1' })),
    await rowsOf(() => client.call(stats, scope)),
  ]
  if (logged === undefined || logged.length > 0 || here === undefined || here.length > 0) return undefined
  const all = (await rowsOf(() => client.call(stats, {}))) ?? []
  return { text: `no job was ever in ${describeScope(scope)}`, hint: similarName(scope, all) }
}

/** The rows of an answer, or undefined where the server lacks the endpoint. */
async function rowsOf<T>(call: () => Promise<{ body: T[] }>): Promise<T[] | undefined> {
  try {
    return (await call()).body
  } catch (error) {
    const lacks = error instanceof Failure && ['not_found', 'failed'].includes(failures[error.code].exit)
    if (lacks) return undefined
    throw error
  }
}

/**
 * `did you mean --domain chatbooks?` for the first name of the scope that has jobs under a similar name. Names of other programs may be
 * blank or have outer spaces, which no flag gives.
 */
function similarName(
  scope: Scope,
  all: readonly { domain: string; queue: string; job_type: string }[],
): string | undefined {
  for (const field of ['domain', 'queue', 'job_type'] as const) {
    const name = scope[field]
    const names = [...new Set(all.map((row) => row[field]))].filter((known) => known !== '' && known.trim() === known)
    if (name === undefined || names.includes(name)) continue
    const nearest = nearestName(name, names, 3)
    if (nearest !== undefined) return `did you mean ${commandLine(flagWords(`--${field.replace('_', '-')}`, nearest))}?`
  }
  return undefined
}
