import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { Acting, ServerContext } from '../../call.ts'
import { inWords, verbsInWords } from '../../engines/abilities.ts'
import type { OutputOf } from '../handlers.ts'

/** True where the scope may have jobs of the domain. */
const mayMeet = ({ domains, queues }: TokenScope, domain: string): boolean =>
  domains.length + queues.length === 0 || domains.includes(domain) || queues.some((queue) => queue.domain === domain)

/** The engine that the server serves, as far as it lies in the scope of the caller. Own jobs have domains in every scope. */
export async function showEngine({
  abilities,
  may,
  within,
}: Pick<ServerContext, 'abilities'> & Pick<Acting, 'may' | 'within'>): Promise<OutputOf<'showEngine'>> {
  const { engine, mode, can, changes, places } = abilities()
  const shared = { mode, changes: inWords(changes), verbs: verbsInWords({ can }) }
  const seen = places.filter(({ schema }) => schema === null || !within || mayMeet(within, schema))
  return {
    engines: seen.map(({ schema, version, tested, lacks = [] }) => ({
      engine,
      schema,
      ...shared,
      ...(tested && may.has('govern') && { version, tested, lacks: [...lacks] }),
    })),
  }
}
