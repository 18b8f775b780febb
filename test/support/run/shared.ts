import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'
import { type Reply, socketName } from './service.ts'

const known = new Map<string, Promise<string>>()

/** Asks the run for a thing that all test files share; the first test file that asks waits until the thing is made. */
function shared(name: string): Promise<string> {
  const reply = known.get(name) ?? request(name)
  known.set(name, reply)
  return reply
}

async function request(name: string): Promise<string> {
  const socket = connect(join(inject('runFolder'), socketName))
  socket.write(`${name}\n`)
  const reply: Reply = JSON.parse(await text(socket))
  if ('error' in reply) throw new Error(`the test run cannot make the ${name}: ${reply.error}`)
  return reply.value
}

/** Waits until `dist/` is the build of the sources. */
export const builtPrograms = (): Promise<string> => shared('build')

/** A PostgreSQL for all test files, as a URL; each test file makes databases of its own in it. */
export const postgresUrl = (): Promise<string> => shared('postgres')

/** The name of a database that a server has migrated, and whose counts are kept: a source for `create database`. */
export const postgresTemplate = (): Promise<string> => shared('postgres-template')

/** The data folder of an embedded server that has started and stopped once. */
export const embeddedTemplate = (): Promise<string> => shared('embedded-template')
