import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { commands } from '../../cli/commands/all.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import * as endpoints from '../../shared/endpoints.ts'
import { fakeServer } from '../support/fakes/fake-server.ts'
import { built } from '../support/programs/built.ts'
import { startChild } from '../support/programs/child.ts'

const bundle = async () => {
  const folder = dirname(built.jobsctl)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  )
}

/** In bytes. Node reads these files at each start, so that a larger one is slower: raise a limit for what commands need. */
const limits = { 'bin.js': 4000, 'run-often-used.js': 374_000, 'run-any.js': 720_000, 'zod.js': 105_000 }

it('the files that a start reads keep their sizes', async () => {
  const files = await bundle()
  for (const [name, most] of Object.entries(limits)) {
    const size = Buffer.byteLength(files.get(name) ?? '')
    expect([name, size > most / 2, size <= most, size]).toEqual([name, true, true, size])
  }
})

it.each([['stats', '--domain', 'a'], ['stats'], ['queues'], ['stale'], ['workers']])(
  'jobsctl %s %s reads its answer by compiled checks, without zod',
  async (...argv) => {
    const named = argv.length > 1
    const { url } = await fakeServer(() => ({ body: [] }))
    const env = { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key', NODE_DEBUG: 'module' }
    const { code, err } = await startChild([built.jobsctl, ...argv], { env }).ended
    expect(code).toBe(0)
    // A name is checked by the whole schema.
    expect(/load "[^"]*zod\.js"/.test(err)).toBe(named)
  },
)

/** The texts of `description` in a JSON schema. */
const descriptionsIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, part]) =>
        name === 'description' && typeof part === 'string' ? [part] : descriptionsIn(part),
      )

/** 40 characters that a bundle writes as they are; in a shorter text are words that commands have, too. */
const plainPart = (text: string): string | undefined => /[\w ,.:;()-]{40}/.exec(text)?.[0]

it('no file has the meaning of an endpoint or a field, which only the documents need', async () => {
  const all: (Pick<Endpoint, 'input' | 'meaning'> & { output?: z.ZodType })[] = Object.values(endpoints)
  const texts = all.flatMap(({ input, output = z.unknown(), meaning = '' }) => [
    meaning,
    ...descriptionsIn(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })),
    ...descriptionsIn(z.toJSONSchema(output, { unrepresentable: 'any' })),
  ])
  const help = JSON.stringify(commands)
  const parts = [...new Set(texts.flatMap((text) => plainPart(text) ?? []))].filter((part) => !help.includes(part))
  expect(parts.length).toBeGreaterThan(150)
  const found = [...(await bundle())].flatMap(([name, text]) =>
    parts.filter((part) => text.includes(part)).map((part) => `${name}: ${part}`),
  )
  expect(found).toEqual([])
})
