import { linesOf, TooLong } from '../../../sdk/call/body.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'
import { failureMessage, type Message, messageOf, type RequestId } from './message.ts'
import { openSession, requireAgents, type Session } from './session.ts'

/** In characters. */
const longestLine = 4_194_304
/** Calls that the server has at once; further ones wait here, and the program that sends them waits, too. */
const mostAtOnce = 16

/**
 * Carries each message of stdin to the server, and its answer to stdout, until stdin ends. Nothing else is written to stdout.
 * @throws Failure `forbidden` where agents are off
 */
export async function relay(context: Context): Promise<void> {
  const { io } = context
  await requireAgents(context)
  const ended = new AbortController()
  const signal = AbortSignal.any([io.signal, ended.signal])
  const running = new Map<RequestId, AbortController>()
  const answers = new Set<Promise<void>>()
  let session: Session | undefined
  const write = (text: string) => io.out(`${text}\n`)
  const answer = async (message: Message & { id: RequestId }, text: string) => {
    const cancelled = new AbortController()
    running.set(message.id, cancelled)
    try {
      session ??= await openSession(context, message)
      const answered = await session.send(text, AbortSignal.any([signal, cancelled.signal]))
      if (!cancelled.signal.aborted) write(answered)
    } catch (error) {
      if (!cancelled.signal.aborted && !signal.aborted) write(failureMessage(message.id, error))
    } finally {
      running.delete(message.id)
    }
  }
  try {
    for await (const line of linesOf(io.stdinParts(), longestLine)) {
      const message = messageOf(line)
      if (message === undefined)
        write(failureMessage(null, new Failure('malformed_json', 'the line is no message of JSON-RPC 2.0')))
      else if (message.method === 'notifications/cancelled') running.get(message.cancels ?? '')?.abort()
      // Other notifications ask for nothing, and the server keeps no state between messages.
      else if (message.id !== undefined && message.method !== undefined) {
        const one = answer({ ...message, id: message.id }, line).finally(() => answers.delete(one))
        answers.add(one)
        // The first message opens the session that the others need.
        if (session === undefined) await one
        while (answers.size >= mostAtOnce) await Promise.race(answers)
      }
      if (io.outGone()) return
    }
  } catch (error) {
    // A signal ends stdin, too.
    if (io.signal.aborted) return
    if (!(error instanceof TooLong)) throw error
    throw new Failure('usage', `a line of stdin is longer than ${longestLine} characters, and no message`)
  } finally {
    ended.abort()
    await Promise.all(answers)
    await session?.end()
  }
}
