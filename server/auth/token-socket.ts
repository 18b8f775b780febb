import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import { errorText } from '../system-error.ts'
import { createToken, listTokens, revokeToken, sharedNames, sharedNameWarning } from './tokens.ts'

/** A command of `jobs-server token`. */
export const TokenCommand = z.discriminatedUnion('command', [
  z.object({ command: z.literal('create'), name: z.string(), days: z.number().int().optional() }),
  z.object({ command: z.literal('list') }),
  z.object({ command: z.literal('revoke'), id: z.string() }),
])
export type TokenCommand = z.output<typeof TokenCommand>

/** The output of a token command: lines for standard output, tab-separated for a list, and warnings for standard error. */
const TokenOutput = z.object({ lines: z.array(z.string()), warnings: z.array(z.string()).default([]) })
export type TokenOutput = z.output<typeof TokenOutput>

const Answer = z.union([TokenOutput, z.object({ error: z.string(), hint: z.string().optional() })])

/**
 * Runs a token command.
 * @throws Failure `not_found` for the id of no token
 */
export async function runTokenCommand(sql: Sql, command: TokenCommand): Promise<TokenOutput> {
  if (command.command === 'create') {
    const token = await createToken(sql, command.name, command.days)
    const shared = (await sharedNames(sql)).filter(({ name }) => name === command.name)
    return { lines: [token], warnings: shared.map(sharedNameWarning) }
  }
  if (command.command === 'revoke') {
    await revokeToken(sql, command.id)
    return { lines: [`revoked ${command.id}`], warnings: [] }
  }
  const rows = await listTokens(sql)
  const lines = rows.map((row) =>
    [row.id, row.name, row.created_at, row.last_used_at, row.expires_at, row.revoked_at].join('\t'),
  )
  return { lines, warnings: [] }
}

/** The path of a socket in the data folder, which only its owner may enter. It is relative, because socket paths are short. */
const socketIn = (folder: string) => relative('', resolve(join(folder, 'control.sock')))

/**
 * Lets `jobs-server token` reach the embedded database of a running server, which no second process may open.
 * @returns a function that closes the socket
 */
export async function listenForTokenCommands(folder: string, sql: Sql): Promise<() => Promise<void>> {
  const path = socketIn(folder)
  await unlink(path).catch(() => {})
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, sql))
  await new Promise<void>((done, reject) => server.once('error', reject).listen(path, done))
  await chmod(path, 0o600)
  server.unref()
  return () => new Promise((done) => server.ref().close(() => done()))
}

async function answer(socket: Socket, sql: Sql): Promise<void> {
  socket.on('error', () => {})
  try {
    // Without destroyOnReturn the socket would be destroyed after the last byte, before it has the answer.
    const command = TokenCommand.parse(JSON.parse(await text(socket.iterator({ destroyOnReturn: false }))))
    socket.end(JSON.stringify(await runTokenCommand(sql, command)))
  } catch (error) {
    const hint = error instanceof Failure ? error.hint : undefined
    socket.end(JSON.stringify({ error: errorText(error), hint }))
  }
}

function unanswered(cause?: unknown): never {
  throw new Failure('unreachable', 'the server that has the data folder open does not answer', { cause })
}

/**
 * Asks the running server that has `folder` open.
 * @throws Failure what the server answered, or `unreachable`
 */
export async function askRunningServer(folder: string, command: TokenCommand): Promise<TokenOutput> {
  const socket = connect({ path: socketIn(folder), allowHalfOpen: true })
  socket.end(JSON.stringify(command))
  const reply = await text(socket).catch((cause: unknown) => unanswered(cause))
  if (!reply) unanswered()
  const answer = Answer.parse(JSON.parse(reply))
  if ('lines' in answer) return answer
  throw new Failure('not_found', answer.error, { hint: answer.hint })
}
