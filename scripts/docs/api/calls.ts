import { readFileSync } from 'node:fs'
import type { Endpoint } from '../../../shared/endpoint.ts'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import * as endpoints from '../../../shared/endpoints.ts'

export const all: Readonly<Record<EndpointName, Endpoint>> = endpoints

const isName = (name: string): name is EndpointName => Object.hasOwn(endpoints, name) && !name.endsWith('Stream')

/** Each call with the folder of its file, in the order of the text: a module has its exports in the order of their names. */
const rooms = new Map(
  [
    ...readFileSync(new URL('../../../shared/endpoints.ts', import.meta.url), 'utf8').matchAll(
      /^export \{([^}]*)\} from '\.\/(\w+)\//gm,
    ),
  ].flatMap(([, exported = '', room = '']) => exported.split(',').map((name) => [name.trim(), room] as const)),
)

export const names: readonly EndpointName[] = [...rooms.keys()].filter(isName)

/** `stats` as the beginning of the name of a type: `Stats`. */
export const typeName = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`

/** The room of `shared/` that has the call: its tag in OpenAPI. */
export const roomOf = (name: string): string => rooms.get(name) ?? ''

/**
 * What an endpoint or a field means.
 * @param of its name
 * @param meaning `meaning` of the endpoint, or `description` of the JSON schema
 * @throws Error where it is missing
 */
export function meaningOf(of: string, meaning: unknown): string {
  if (typeof meaning === 'string' && meaning !== '') return meaning
  throw new Error(`${of} has no meaning: shared/ must have meaning: '…' of an endpoint, and .describe('…') of a field`)
}

/** What a call answers that prefers a small response, in a table and in OpenAPI. */
export const minimalMeaning =
  'the answer is small. Of an enqueue it is `{"ids": […], "created": n}` in the order of the request, with the indexes of jobs that existed as `existing`; of acquire it has what a worker needs to run a job and to end its attempt; of finish it is `{"ok": n, "failed": [{"index", "code"}]}`. `Preference-Applied: return=minimal` says so.'
