import * as z from 'zod'
import { endAgentSession, openAgentSession } from '../../../shared/access/agent-session.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'
import type { Message } from './message.ts'

const path = '/mcp'

/** The session of an agent on the server, by which messages are sent. */
export interface Session {
  /** Sends a message as it was read, and returns the answer, on one line. @throws Failure for an answer other than 2xx */
  send: (text: string, signal: AbortSignal) => Promise<string>
  end: () => Promise<void>
}

/**
 * Asks whether the server lets agents in.
 * @throws Failure `forbidden` where it does not
 */
export async function requireAgents(context: Context): Promise<void> {
  const client = await context.newClient()
  const { status } = await client.probe(path)
  if (status !== 404) return
  throw new Failure(
    'forbidden',
    `agents are off on ${client.target.name}, or its version has none; nothing was started`,
    {
      hint: 'an admin turns them on, where the server runs: jobs-server agents on',
    },
  )
}

const Initialized = z.object({ result: z.object({ protocolVersion: z.string() }) })

/** Opens the session with the key of the command line, for the program that sends the first message. */
export async function openSession(context: Context, { client }: Pick<Message, 'client'>): Promise<Session> {
  const opener = await context.newClient()
  const { body } = await opener.call(openAgentSession, client ? { client } : {})
  let version: string | undefined
  return {
    async send(text, signal) {
      const sender = await context.newClient(signal, body.token)
      const answer = await sender.post(path, text, {
        accept: 'application/json, text/event-stream',
        ...(version !== undefined && { 'mcp-protocol-version': version }),
      })
      version ??= initialized(answer)
      return answer
    },
    async end() {
      const ender = await context.newClient(AbortSignal.timeout(endMs), body.token)
      // It ends after 12 hours anyway.
      await ender.call(endAgentSession, {}).catch(() => {})
    },
  }
}

const endMs = 2000

/** The version of the protocol that the server has agreed to in its first answer. */
function initialized(answer: string): string | undefined {
  const { data } = Initialized.safeParse(JSON.parse(answer))
  return data?.result.protocolVersion
}
