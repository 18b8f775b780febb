import { readFile, writeFile } from 'node:fs/promises'
import * as z from 'zod'
import { type Conformance, conformancePath, promises, readConformance, Shown } from './conformance.ts'

/** What is read of the report of vitest in JSON. */
const Report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ status: z.string(), meta: z.object({ conformance: Shown.optional() }).default({}) }),
      ),
    }),
  ),
})

/** The promises that a run has shown: those whose test passed, and those that do not apply. */
async function shownIn(report: string): Promise<Shown[]> {
  const { testResults } = Report.parse(JSON.parse(await readFile(report, 'utf8')))
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ status, meta: { conformance } }) =>
      conformance && (status === 'passed' || conformance.not !== undefined) ? [conformance] : [],
    )
}

const engines = ['pg-boss', 'bullmq', 'graphile-worker', 'mapped']

/**
 * Writes what a run has shown, in the place of what the file has of the same engines.
 * @returns why nothing was written: a test failed, or a promise has no result
 */
export async function recordConformance(report: string, passed: boolean): Promise<string[]> {
  if (!passed) return [`a test failed: ${conformancePath} stays as it is`]
  const shown = byVersion(await shownIn(report))
  const short = shown.filter((one) => Object.keys(one.promises).length < Object.keys(promises).length)
  if (shown.length === 0 || short.length > 0)
    return [
      `not every promise was tried${short.map((one) => `, ${one.engine} ${one.version}`).join('')}: nothing is written`,
    ]
  const kept = (await readConformance()).filter(({ engine }) => shown.every((one) => one.engine !== engine))
  const all = [...kept, ...shown].toSorted((one, other) => engines.indexOf(one.engine) - engines.indexOf(other.engine))
  await writeFile(conformancePath, `${JSON.stringify(all, undefined, 2)}\n`)
  console.log(`${conformancePath} has ${shown.length} versions from this run: npm run docs makes the table`)
  return []
}

function byVersion(shown: readonly Shown[]): Conformance[] {
  const all = new Map<string, Conformance>()
  for (const { promise, not = true, ...version } of shown) {
    const key = `${version.engine} ${version.version}`
    const known = all.get(key)
    all.set(key, { ...version, ...known, promises: { ...known?.promises, [promise]: not } })
  }
  return [...all.values()]
}

/**
 * Compares what a run has shown with the file, for the versions that are in both.
 * @returns a sentence for each difference
 */
export async function compareConformance(report: string): Promise<string[]> {
  const recorded = await readConformance()
  return (await shownIn(report)).flatMap(({ engine, version, schema, without, promise, not = true }) => {
    const known = recorded.find((one) => one.engine === engine && one.version === version)
    const isSame = known?.promises[promise] === not && known.without === without && known.schema === schema
    const name = `${engine} ${version}: ${promises[promise]}`
    return !known || isSame
      ? []
      : [`${conformancePath} has another result of ${name}: npm run test:engines -- --record, then npm run docs`]
  })
}
