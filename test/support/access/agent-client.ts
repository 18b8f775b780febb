import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { Ajv } from 'ajv'
import * as z from 'zod'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { newFolder } from '../database/database.ts'
import { built } from '../programs/built.ts'
import type { World } from '../world.ts'

/** A client of agents, whose answers are checked against the schemas of their tools. */
export interface AgentClient {
  client: Client
  /** The answer of a tool. @throws Error where it does not fit the schema of the tool, has more than 32 KB, or is an error */
  use: (tool: string, args?: Record<string, unknown>) => Promise<Record<string, unknown>>
  /** The error of a tool that refuses. */
  refused: (tool: string, args?: Record<string, unknown>) => Promise<z.output<typeof Refusal>>
  close: () => Promise<void>
}

export const agentsOn = (world: Pick<World, 'sql'>) => setAgents(world.sql, true)

const Text = z.object({ content: z.tuple([z.object({ type: z.literal('text'), text: z.string() })]) })
const Answered = Text.extend({
  structuredContent: z.record(z.string(), z.unknown()),
  isError: z.literal(false).optional(),
})
const Refusal = z.looseObject({ code: z.string(), detail: z.string() })
const Refused = Text.extend({ isError: z.literal(true), structuredContent: z.undefined().optional() })

async function connected(transport: Transport): Promise<AgentClient> {
  const client = new Client({ name: 'model-of-the-tests', version: '1.0' })
  await client.connect(transport)
  const { tools } = await client.listTools()
  const ajv = new Ajv({ strict: false, validateFormats: false })
  return {
    client,
    async use(name, args = {}) {
      const called = await client.callTool({ name, arguments: args })
      if (called.isError) throw new Error(`${name}: ${JSON.stringify(called.content)}`)
      const answer = Answered.parse(called)
      const [{ text }] = answer.content
      const schema = tools.find((tool) => tool.name === name)?.outputSchema ?? false
      if (!ajv.validate(schema, answer.structuredContent)) throw new Error(`${name}: ${ajv.errorsText()} in ${text}`)
      if (text !== JSON.stringify(answer.structuredContent)) throw new Error(`${name}: text and content differ`)
      if (Buffer.byteLength(text) > 32 * 1024) throw new Error(`${name}: ${Buffer.byteLength(text)} bytes`)
      return answer.structuredContent
    },
    async refused(name, args = {}) {
      const { content } = Refused.parse(await client.callTool({ name, arguments: args }))
      return Refusal.parse(JSON.parse(content[0].text))
    },
    close: () => client.close(),
  }
}

/** A client over HTTP, with a token. */
export const overHttp = (world: Pick<World, 'url'>, token: string): Promise<AgentClient> =>
  connected(
    asTransport(
      new StreamableHTTPClientTransport(new URL(`${world.url}/mcp`), {
        fetch: fetchOnceMore,
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    ),
  )

/** A client that starts `jobsctl mcp`, with a key. */
export async function overStdio(world: Pick<World, 'url'>, key: string): Promise<AgentClient> {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: await newFolder('agent'),
    JOBSCTL_URL: world.url,
    [key.startsWith('jobs_') ? 'JOBSCTL_TOKEN' : 'JOBSCTL_API_KEY']: key,
  }
  return connected(new StdioClientTransport({ command: process.execPath, args: [built.jobsctl, 'mcp'], env }))
}

/** The properties of the transport may be undefined, which its interface does not say. */
const asTransport = (transport: StreamableHTTPClientTransport) => transport as Transport

/** A connection that was idle may end while a request is on its way: clients send a read once more. */
async function fetchOnceMore(url: string | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (Reflect.get(Object(cause), 'code') !== 'ECONNRESET') throw error
    return fetch(url, init)
  }
}
