import { Failure, failures } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import { commandLine, flagWords } from '../../shared/text/shell.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import { describeAnyOf } from '../settings/flags/scope-flags.ts'
import { nearestName } from '../text/nearest-name.ts'

/**
 * Throws where no job was ever in a scope: by the groups of jobs, which are exact at any size, and by the event log for a scope whose
 * jobs have been deleted.
 * @throws Failure `not_found` with the most similar name as its hint
 */
export async function refuseUnknownScope(context: Asking, scope: Scope): Promise<void> {
  const found = await unknownScope(context, scope)
  if (found === undefined) return
  throw new Failure('not_found', `${found.text}; nothing was changed`, { hint: found.hint })
}

/** Notes at a terminal that no job was ever in a scope, which is often misspelled. */
export async function noteUnknownScope(context: Context, scope: Scope): Promise<void> {
  const found = await unknownScope(context, scope)
  if (found !== undefined)
    context.print.aside(`note: ${found.text}${found.hint === undefined ? '' : `; ${found.hint}`}`)
}

/** True where no job is in a scope now, by the groups of jobs; false for every domain, and at a server without stats. */
export async function hasNoJobs({ client }: Context, scope: Scope): Promise<boolean> {
  if (Object.keys(scope).length === 0) return false
  return (await groupsIn(await client(), scope))?.length === 0
}

type Asking = Pick<Context, 'client' | 'otherDomains'>

interface Unknown {
  text: string
  hint: string | undefined
}

async function unknownScope({ client: clientOf, otherDomains }: Asking, scope: Scope): Promise<Unknown | undefined> {
  if (Object.values(scope).every((name) => name === undefined)) return undefined
  const client = await clientOf()
  const here = await groupsIn(client, scope)
  if (here === undefined || here.length > 0) return undefined
  const logged = await isLogged(client, scope)
  if (logged === true) return undefined
  const text = logged === undefined ? 'no job is in' : 'no job was ever in'
  const all = (await groupsIn(client, {})) ?? []
  return { text: `${text} ${describeAnyOf(scope)}`, hint: similarName(scope, all, otherDomains()) }
}

const groupsIn = async (client: Client, scope: Scope) => {
  const { stats } = await import('../../shared/queues/stats.ts')
  return rowsOf(() => client.call(stats, scope))
}

/** Whether the event log has an event of a scope; undefined where it is too long to be searched. */
async function isLogged(client: Client, scope: Scope): Promise<boolean | undefined> {
  const { events } = await import('../../shared/records/events.ts')
  const request = { ...scope, after_id: '0', limit: '1' }
  try {
    const logged = await rowsOf(() => client.call(events, request, { isFinal: () => true }))
    return logged === undefined || logged.length > 0
  } catch (error) {
    if (error instanceof Failure && failures[error.code].exit === 'unavailable') return undefined
    throw error
  }
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
  otherDomains: readonly string[],
): string | undefined {
  for (const field of ['domain', 'queue', 'job_type'] as const) {
    const name = scope[field]
    const here = [...all.map((row) => row[field]), ...(field === 'domain' ? otherDomains : [])]
    const names = [...new Set(here)].filter((known) => known !== '' && known.trim() === known)
    if (name === undefined || names.includes(name)) continue
    const nearest = nearestName(name, names, 3)
    if (nearest !== undefined) return `did you mean ${commandLine(flagWords(`--${field.replace('_', '-')}`, nearest))}?`
  }
  return undefined
}
