import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { Failure, failureCodes } from '../../shared/errors.ts'
import { errorText } from '../log/system-error.ts'
import { Command, CommandOutput } from './command.ts'
import { type CommandContext, runCommand } from './run-command.ts'

/** What the server answers: the output, or the code of a failure where it is another than `not_found`. */
const Answer = z.union([
  CommandOutput,
  z.object({ error: z.string(), hint: z.string().optional(), code: z.enum(failureCodes).default('not_found') }),
])

/** The path of a socket in the data folder, which only its owner may enter. It is relative, because socket paths are short. */
const socketIn = (folder: string) => relative('', resolve(join(folder, 'control.sock')))

interface SocketContext extends CommandContext {
  /** Resolves once the database has its tables. */
  prepared: Promise<void>
}

/**
 * Lets commands such as `jobs-server token` reach the embedded database of a running server, which no second process may open.
 * @returns a function that closes the socket
 */
export async function listenForCommands(folder: string, context: SocketContext): Promise<() => Promise<void>> {
  const path = socketIn(folder)
  await unlink(path).catch(() => {})
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, context))
  await new Promise<void>((done, reject) => server.once('error', reject).listen(path, done))
  await chmod(path, 0o600)
  server.unref()
  return () => new Promise((done) => server.ref().close(() => done()))
}

async function answer(socket: Socket, { prepared, ...context }: SocketContext): Promise<void> {
  socket.on('error', () => {})
  try {
    // Without destroyOnReturn the socket would be destroyed after the last byte, before it has the answer.
    const command = Command.parse(JSON.parse(await text(socket.iterator({ destroyOnReturn: false }))))
    await prepared
    socket.end(JSON.stringify(await runCommand(context, command)))
  } catch (error) {
    const { hint, code } = error instanceof Failure ? error : {}
    socket.end(JSON.stringify({ error: errorText(error), hint, code }))
  }
}

function unanswered(cause?: unknown): never {
  throw new Failure('unreachable', 'the server that has the data folder open does not answer', { cause })
}

/**
 * Asks the running server that has `folder` open.
 * @throws Failure what the server answered, or `unreachable`
 */
export async function askRunningServer(folder: string, command: Command): Promise<CommandOutput> {
  const socket = connect({ path: socketIn(folder), allowHalfOpen: true })
  socket.end(JSON.stringify(command))
  const reply = await text(socket).catch((cause: unknown) => unanswered(cause))
  if (!reply) unanswered()
  const answer = Answer.parse(JSON.parse(reply))
  if ('lines' in answer) return answer
  if (/invalid_union|discriminator/.test(answer.error)) {
    throw new Failure(
      'conflict',
      `the server that has the data folder open does not know this command; nothing was changed`,
      {
        hint: 'it is of an older version: stop it, or start it again with this version',
      },
    )
  }
  throw new Failure(answer.code, answer.error, { hint: answer.hint })
}
