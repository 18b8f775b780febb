import type { z } from 'zod'
import { showEngine } from '../../shared/engine/engine.ts'
import { Failure } from '../../shared/errors.ts'
import type { Client } from './client.ts'

/** What no engine behind a server can, by verb: what is missing, and what to do instead. */
export type Lacks = ReadonlyMap<string, string>

/** What none of the engines can. */
export function lacksOf({ engines: [first, ...others] }: Pick<z.output<typeof showEngine.output>, 'engines'>): Lacks {
  const missing = Object.entries(first?.verbs ?? {}).flatMap(([verb, answer]) =>
    answer === true || others.some(({ verbs }) => verbs[verb] === true) ? [] : [[verb, answer] as const],
  )
  return new Map(missing)
}

/**
 * Asks a server what its engines cannot.
 * @param amongOthers whether those are meant that serve jobs of others, such as pg-boss, and not `own` beside them
 * @returns nothing for a server up to 0.2.0, which serves own jobs, and for a caller that may not ask
 * @throws Failure for a server that cannot be reached
 */
export async function readLacks(client: Client, { amongOthers = false } = {}): Promise<Lacks> {
  try {
    const { engines } = (await client.call(showEngine, {})).body
    return lacksOf({ engines: amongOthers ? engines.filter(({ engine }) => engine !== 'own') : engines })
  } catch (error) {
    if (error instanceof Failure && (error.code === 'not_found' || error.code === 'forbidden')) return new Map()
    throw error
  }
}
