import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Metafile, Plugin } from 'esbuild'
import * as z from 'zod'
import { compileFn } from 'zod/v4/core'
import type { Endpoint } from '../../shared/endpoint.ts'

/** The files of the endpoints that short reads call, such as `jobsctl stats`. */
const names = ['queues', 'stale', 'stats', 'workers']
const files = new RegExp(String.raw`[\\/]shared[\\/]queues[\\/](?:${names.join('|')})\.ts$`)

const namespace = 'quick-endpoints'

/**
 * Gives the command line, in place of a file of endpoints, the checks that zod compiles of their schemas here. To load zod and to make
 * schemas takes a fifth of the time of `jobsctl stats`. What such a check does not take, the schema itself reads, and says what is wrong.
 */
export const quickEndpoints: Plugin = {
  name: namespace,
  setup: (build) => {
    build.onResolve({ filter: files }, ({ kind, path, resolveDir }) =>
      kind === 'dynamic-import' ? { path: resolve(resolveDir, path), namespace } : undefined,
    )
    build.onLoad({ filter: /^/, namespace }, async ({ path }) => ({
      contents: quickModule(path, await import(pathToFileURL(path).href)),
      resolveDir: dirname(path),
    }))
  },
}

/** @throws Error when a build has not taken each of the files from here: one that has moved would load zod without a word */
export function requireQuickEndpoints({ inputs }: Metafile): void {
  const taken = Object.keys(inputs).filter((path) => path.startsWith(`${namespace}:`))
  if (taken.length !== names.length)
    throw new Error(
      `of ${names.length} files of endpoints, ${taken.length} have compiled checks: see ${import.meta.url}`,
    )
}

/**
 * The text of a CommonJS module with the same exports as the file at `path`, which it loads where a check takes less than the schema. Of an
 * endpoint it has what the command line uses: `parse` and `safeParse` of both schemas, and the values.
 */
export function quickModule(path: string, exported: Readonly<Record<string, unknown>>): string {
  const properties = Object.entries(exported).map(
    ([name, value]) => quickProperty(name, value) ?? `get ${name}() { return whole().${name} }`,
  )
  return `
const whole = () => require(${JSON.stringify(path)})
const INVALID = Symbol()
const quick = (check, schema) => ({
  parse(value) {
    const data = check(value)
    return data === INVALID ? schema().parse(value) : data
  },
  safeParse(value, context) {
    const data = check(value)
    return data === INVALID ? schema().safeParse(value, context) : { success: true, data }
  },
})
module.exports = { ${properties.join(',\n')} }`
}

/** Undefined for what is no endpoint, and for an endpoint whose schemas need more than a check. */
function quickProperty(name: string, value: unknown): string | undefined {
  if (!isRead(value) || !isDeepStrictEqual(value.input.safeParse({}).data, {})) return undefined
  const { input: _input, output, changes: _changes, meaning: _meaning, readAt: _readAt, ...rest } = value
  const [checkInput, checkOutput] = [z.strictObject({}), output].map(checkOf)
  if (!checkInput || !checkOutput || !isDeepStrictEqual(JSON.parse(JSON.stringify(rest)), rest)) return undefined
  return `${name}: {
    ...${JSON.stringify(rest)},
    changes: () => false,
    input: quick(${checkInput}, () => whole().${name}.input),
    output: quick(${checkOutput}, () => whole().${name}.output),
  }`
}

const isRead = (value: unknown): value is Endpoint =>
  typeof value === 'object' && value !== null && 'output' in value && 'method' in value && value.method === 'GET'

/** The function that zod compiles of a schema, as text; undefined where it refers to functions of the schema. */
function checkOf(schema: z.ZodType): string | undefined {
  const { code = '' } = compileFn(schema, { debug: true })
  return code.startsWith('// Constants: INVALID\n') ? `(input) => {\n${code}\n}` : undefined
}
