import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import * as z from 'zod'
import { type EnginePackage, engineNode, nameOf, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { endWithTests } from '../../support/programs/end-with-tests.ts'

const Answer = z.object({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() })

/** A process with an engine, which takes commands and answers them, each as a line of JSON. */
export interface Child {
  /** @throws Error with the message of the engine, or with what the process wrote before it ended */
  ask: (command: object) => Promise<unknown>
  /** Ends it when it has read all commands. */
  end: () => Promise<void>
  /** `kill -9`. */
  kill: () => Promise<void>
}

/**
 * Starts a program beside this file under the Node of the engines. It ends with the test file.
 * @param title the name and the version of the engine
 * @throws Error where Node or the engine is not installed
 */
export function startChild(program: string, { title, library }: { title: string; library: string | undefined }): Child {
  const node = usedOf(engineNode)
  if (!node || !library) throw new Error(`${title} or Node is not installed: npm run test:engines installs them`)
  const child = spawn(node, [fileURLToPath(new URL(program, import.meta.url))], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  endWithTests(child)
  let written = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  const waiting = new Map<number, (answer: z.infer<typeof Answer>) => void>()
  createInterface(child.stdout).on('line', (line) => {
    const answer = Answer.parse(JSON.parse(line))
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const exited = once(child, 'exit').then(() => {
    for (const [id, settle] of waiting) settle({ id, value: undefined, error: `the process ended: ${written}` })
    waiting.clear()
  })
  child.stdin.on('error', () => {})
  let last = 0
  return {
    async ask(command) {
      last += 1
      const id = last
      const answered = new Promise<z.infer<typeof Answer>>((resolve) => waiting.set(id, resolve))
      child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the process has ended: ${written}`)
      const { value, error } = await answered
      if (error !== undefined) throw new Error(error)
      return value
    },
    async end() {
      child.stdin.end()
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** `npm run test:engines -- --version …` takes the place of all versions. */
export const onlyVersion = process.env.TEST_ENGINE_VERSION || undefined

/**
 * Declares the same tests beside each of the versions of an engine, as one group with the version in its title. The group of a version that is
 * not installed is skipped, and its title says which package is missing.
 * @param name its package; an engine without one is never skipped
 * @param label the name of the engine in the title
 */
export function besideVersions(
  { name, label, versions }: { name?: EnginePackage['name']; label: string; versions: readonly string[] },
  title: string,
  tests: (version: string) => void,
): void {
  for (const version of versions) {
    const needed = name === undefined ? [] : [engineNode, { name, version }]
    const missing = needed.filter((wanted) => !usedOf(wanted)).map(nameOf)
    const why = missing.length > 0 ? ` (skipped: ${missing.join(' and ')} not installed)` : ''
    describe.skipIf(missing.length > 0)(`${title}, ${label} ${version}${why}`, () => tests(version))
  }
}
