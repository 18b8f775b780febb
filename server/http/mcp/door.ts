import type { Hono } from 'hono'
import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import { keepCall } from '../../auth/agents/agent-calls.ts'
import { requireAgent } from '../../auth/agents/require-agent.ts'
import { requireAgentsOn } from '../../auth/agents/switch.ts'
import type { ServerContext } from '../../call.ts'
import { isDeep } from '../../database/lossless-json.ts'
import { type Admission, headerOf, requireReady } from '../authenticate.ts'
import { limitBody } from '../body-limit.ts'
import type { Site } from '../browser/site.ts'
import { limitSilence } from '../connection/call-timeout.ts'
import { logFailure, toFailure } from '../error-mapping.ts'
import { repeatedField } from '../repeated-field.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'
import type { ProtocolDoor } from './protocol.ts'

const path = '/mcp'

interface Serving extends ServerContext, Omit<Admission, 'sql'> {
  authenticated: ReturnType<typeof requireReady>
  /** True for a server with one key that listens beyond this machine. */
  isOpenToOthers: boolean
}

/**
 * Mounts the door of agents: Model Context Protocol over HTTP, one message and its answer a request, so that any server answers. It is
 * not there until an admin has said `jobs-server agents on`.
 */
export function mountMcp(app: Hono<RequestContext>, serving: Serving): void {
  const { site, operatorSql } = serving
  app.use(path, limitSilence(serving.callTimeoutMs), requireReady(serving), async (c, next) => {
    if (serving.isOpenToOthers) throw notBeyondThisMachine()
    await requireAgentsOn(operatorSql)
    if (c.req.method !== 'POST')
      throw new Failure('method_not_allowed', 'this path takes POST: each message is a request of its own', {
        allow: ['POST'],
      })
    requireOwnSite(site, headerOf(c))
    await next()
  })
  app.post(path, serving.authenticated, limitBody(serving.maxBodyBytes), async (c) => {
    const caller = c.get('caller')
    requireAgent(caller)
    const message = await messageOf(c.req.raw)
    const requestId = c.get('requestId')
    const door: ProtocolDoor = {
      caller,
      agentFields: serving.agentFields,
      root: serving.site.rootOf(headerOf(c)),
      keep: (call) => keepCall(operatorSql, { ...call, caller }),
      failed: (error) => logFailure(serving.log, toFailure(error, false), requestId),
      send: async (request, tool) => {
        const sent = { ...credentialsOf(headerOf(c)), [headers.requestId]: requestId }
        for (const [name, value] of Object.entries(sent)) request.headers.set(name, value)
        return app.fetch(below(site, request), { ...c.env, tool })
      },
    }
    // Loaded by the first message: no other call needs the protocol.
    const { answerMessage } = await import('./protocol.ts')
    const answer = await answerMessage(door, c.req.raw, message)
    const status = answer.status
    return respond(c, status === 202 ? null : await answer.text(), { status })
  })
}

/** A call that lasts looks at the credentials again. */
function credentialsOf(header: (name: string) => string | undefined): Record<string, string> {
  const found = ['authorization', 'x-api-key'].flatMap((name): [string, string][] => {
    const value = header(name)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(found)
}

const Message = z.looseObject({ jsonrpc: z.literal('2.0') })

/** @throws Failure `malformed_json`, `invalid_request` for what is no single message */
async function messageOf(request: Request): Promise<unknown> {
  const text = await request.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Failure('malformed_json', 'the body is no JSON; nothing was changed', { cause })
  }
  const repeated = repeatedField(text)
  if (repeated !== undefined)
    throw new Failure('invalid_request', `${repeated.slice(0, 128)} is given more than once; nothing was changed`)
  if (isDeep(text)) throw new Failure('invalid_request', 'the body has more than 500 levels; nothing was changed')
  const message = Message.safeParse(json)
  if (message.success) return message.data
  throw new Failure('invalid_request', 'the body must be one message of JSON-RPC 2.0, and no list; nothing was changed')
}

/** Pages of other sites are refused as for sessions. A program sends neither of the headers by which a page is known. */
function requireOwnSite(site: Site, header: (name: string) => string | undefined): void {
  site.requireOwnHost(header)
  if (header('origin') !== undefined || header('sec-fetch-site') !== undefined)
    site.requireSameOrigin({ method: 'POST', header })
}

function below({ base }: Site, request: Request): Request {
  const url = new URL(request.url)
  return base === '' ? request : new Request(new URL(`${base}${url.pathname}${url.search}`, url), request)
}

const notBeyondThisMachine = (): Failure =>
  new Failure(
    'not_found',
    'agents do not call a server with one key that listens beyond this machine; nothing was changed',
    {
      hint: 'set HOST=127.0.0.1, or AUTH_MODE=multi_user, under which each agent has a token of its own',
    },
  )
