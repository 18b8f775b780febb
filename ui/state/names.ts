import { call } from '../api/call.ts'
import { scopeNames } from './address.ts'
import { caller } from './session.ts'

/** Reading all groups is for somebody who types, and the names of a minute ago are good enough. */
const keptMs = 60_000
/** The most names that are kept of each kind. */
const mostNames = 2000

let known: { of: string | undefined; until: number; groups: ReturnType<typeof read> } | undefined

const read = () => call('stats')

/**
 * The names of domains, queues and job types that have jobs; none for any other field.
 * @throws Problem what the server says
 */
export async function namesOf(field: string): Promise<readonly string[]> {
  const name = scopeNames.find((one) => one === field)
  if (!name) return []
  const of = caller.peek()?.id
  // Another caller sees other names.
  const asked =
    known?.of === of && known && known.until >= Date.now() ? known : { of, until: Date.now() + keptMs, groups: read() }
  known = asked
  const groups = await asked.groups.catch((error: unknown) => {
    known = undefined
    throw error
  })
  return [...new Set(groups.map((group) => group[name]))].sort().slice(0, mostNames)
}
