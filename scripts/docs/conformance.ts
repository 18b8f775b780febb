import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { table } from './markdown.ts'

/** What the tests in `test/engines/conformance/` show of every engine whose jobs jobsctl changes. */
export const promises = {
  preview:
    'While workers run, a preview counts what its change takes and what it passes over; no job is lost or run twice',
  once: 'Three retries of the same jobs at once, beside workers: each job runs once more',
  undo: 'An undo of prune, cancel, reschedule, priority and retry leaves 0 rows that differ',
  catalog: 'Neither changes nor undos make anything in the schema of the engine',
  killed: '`kill -9` of a server in a prune leaves a record of what is gone, which another server gives back',
  names: 'Odd names of queues go through list, pages, command line, URL, preview token and undo',
  schemas: 'Two schemas in one database are changed one by one',
} as const

export type Promised = keyof typeof promises
const Promised = z.literal(Object.keys(promises).filter((name): name is Promised => Object.hasOwn(promises, name)))

const Version = z.object({
  engine: z.string(),
  /** The version of the package; for a mapped table the type of its key. */
  version: z.string(),
  /** The version of the tables of the engine. */
  schema: z.string().optional(),
  /** What the comparison of rows after an undo leaves out. */
  without: z.string(),
})

/** What a test shows: that the promise holds, or with `not` why it does not apply. */
export const Shown = Version.extend({ promise: Promised, not: z.string().optional() })
export type Shown = z.infer<typeof Shown>

/** What a run has shown beside one version of an engine: true, or why a promise does not apply. */
export const Conformance = Version.extend({
  promises: z.partialRecord(Promised, z.union([z.literal(true), z.string()])),
})
export type Conformance = z.infer<typeof Conformance>

export const conformancePath = 'docs/engines/conformance.json'

/** What the last recorded run showed. */
export const readConformance = async (): Promise<Conformance[]> =>
  z.array(Conformance).parse(JSON.parse(await readFile(conformancePath, 'utf8')))

/** The promises, with a column for each engine. */
export async function conformanceTable(): Promise<string> {
  const all = await readConformance()
  const engines = [...new Set(all.map(({ engine }) => engine))].map((name) =>
    all.filter(({ engine }) => engine === name),
  )
  return table(
    ['promise', ...engines.map((versions) => `${versions[0]?.engine} ${versions.map(nameOf).join(', ')}`)],
    [
      ...[...Promised.values].map((promise) => [
        promises[promise],
        ...engines.map((versions) => cellOf(versions.map((one) => one.promises[promise]))),
      ]),
      ['The comparison of rows leaves out', ...engines.map((versions) => versions[0]?.without || 'nothing')],
    ],
  )
}

const nameOf = ({ version, schema }: Conformance): string =>
  schema === undefined ? version : `${version} (schema ${schema})`

function cellOf(results: (string | true | undefined)[]): string {
  const why = results.find((result) => typeof result === 'string')
  if (why !== undefined) return `does not apply: ${why}`
  return results.every((result) => result === true) ? 'yes' : 'not shown'
}
