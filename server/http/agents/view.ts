import { createHmac } from 'node:crypto'
import type { Context } from 'hono'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { domainsInHeader, headerOfDomains, headers } from '../../../shared/headers.ts'
import { keepCall } from '../../auth/agents/agent-calls.ts'
import { readHashKey } from '../../bulk/token/preview-keys.ts'
import type { ServerContext } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import type { RequestContext } from '../request/request-context.ts'
import { withNames } from './filters.ts'
import { give, givenName } from './give.ts'
import { createPseudonyms, type Pseudonyms } from './pseudonyms.ts'
import { type Shape, shapeOfAnswer } from './shape.ts'

export type Answered = Pick<Endpoint, 'method' | 'path' | 'output'>
type Serving = Pick<ServerContext, 'operatorSql' | 'agentFields'>

/** What stands between an endpoint and an agent that calls it. */
export interface AgentView {
  /** The fields of a request with the names in place of their pseudonyms. @throws Failure `invalid_request` */
  names: (sent: unknown) => unknown
  /** What the agent gets of an answer. The call is kept before it is answered. */
  given: (answer: unknown, sent: unknown) => Promise<unknown>
  /** The headers of the answer, with domains as rows name them, and without the names that a link to another page repeats. */
  headers: (headers: Readonly<Record<string, string>>) => Record<string, string>
}

/** The view of one call. */
export async function viewOfAgent(
  c: Context<RequestContext>,
  { operatorSql: sql, agentFields: added }: Serving,
  endpoint: Answered,
): Promise<AgentView> {
  const pseudonyms = createPseudonyms(await readDayKey(sql))
  const caller = c.get('caller')
  const nameOfCall = `${endpoint.method} ${endpoint.path}`
  return {
    names(sent) {
      // A tool keeps its call itself.
      if (!c.env.tool) c.set('askedByAgent', { tool: nameOfCall, filter: sent })
      const { fields, names } = withNames(pseudonyms, sent)
      c.set('hiddenNames', names)
      return fields
    },
    async given(answer, sent) {
      const { value, fields } = give({ pseudonyms, added }, shapeFor(endpoint, added), answer)
      const rows = rowsOf(value)
      const { tool } = c.env
      if (tool) tool.gave({ rows, fields })
      else await keepCall(sql, { caller, tool: nameOfCall, filter: sent, rows, fields })
      return value
    },
    headers: ({ Link, ...others }) => ({
      ...others,
      ...domainsOf(others, pseudonyms),
      ...(Link !== undefined && nextOnly(Link, pseudonyms)),
    }),
  }
}

/** The key of the pseudonyms of this day (UTC), 32 bytes: all servers on the database have the same, and none sends it to a caller. */
async function readDayKey(sql: Sql): Promise<Buffer> {
  const day = new Date().toISOString().slice(0, 10)
  return createHmac('sha256', await readHashKey(sql))
    .update(`pseudonyms of agents ${day}`)
    .digest()
}

/** The number of rows of an answer: of its list, or of the longest list in it; 1 for any other. */
const rowsOf = (value: unknown): number => {
  if (Array.isArray(value)) return value.length
  const lists = typeof value === 'object' && value !== null ? Object.values(value).filter(Array.isArray) : []
  return Math.max(1, ...lists.map((list) => list.length))
}

/** Shapes follow from schemas, so that each is made once for a server. */
const shapes = new WeakMap<ReadonlySet<string>, WeakMap<object, Shape>>()

/** The shape of what an agent gets of an endpoint. @param added the names of `JOBS_AGENT_FIELDS` */
export function shapeFor(endpoint: Answered, added: ReadonlySet<string>): Shape {
  const ofServer = shapes.get(added) ?? new WeakMap<object, Shape>()
  shapes.set(added, ofServer)
  const known = ofServer.get(endpoint) ?? shapeOfAnswer(endpoint, added)
  ofServer.set(endpoint, known)
  return known
}

/** The headers that name domains, each as rows name them. */
const domainsOf = (sent: Readonly<Record<string, string>>, pseudonyms: Pseudonyms): Record<string, string> =>
  Object.fromEntries(
    [headers.onlyDomain, headers.otherDomains].flatMap((header) => {
      const domains = domainsInHeader(sent[header])
      return domains.length === 0
        ? []
        : [[header, headerOfDomains(domains.map((name) => givenName(pseudonyms, 'domain', name)))]]
    }),
  )

/** The link to the next page with the cursor alone, which has a pseudonym: it may have the key of a job. */
function nextOnly(link: string, pseudonyms: Pseudonyms): Record<string, string> {
  const query = /<\?([^>]*)>; rel="next"/.exec(link)?.[1]
  const cursor = new URLSearchParams(query).get('cursor')
  return cursor === null ? {} : { Link: `<?cursor=${pseudonyms.of('cursor', cursor)}>; rel="next"` }
}
