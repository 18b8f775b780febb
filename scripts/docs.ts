import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { stops, type Way, waysOut } from '../cli/commands/help/which.ts'
import { writeMadeFiles } from './build/made-files.ts'
import { agentToolsPage } from './docs/api/agent-tools.ts'
import { httpApiPage } from './docs/api/http-api.ts'
import { architectureFaults, architecturePath, writersTable } from './docs/architecture.ts'
import { commandPages } from './docs/commands.ts'
import { configPage } from './docs/config.ts'
import { conformanceTable } from './docs/conformance.ts'
import { dashboard } from './docs/dashboard.ts'
import { dependenciesPage } from './docs/dependencies.ts'
import { enginesPath, insteadTable, worksTable } from './docs/engines.ts'
import { environmentPage } from './docs/environment.ts'
import { errorsPage, exitCodeTable, outcomeTable } from './docs/errors.ts'
import { eventsPage } from './docs/events.ts'
import { manifestWithManPages } from './docs/manifest.ts'
import { code, table } from './docs/markdown.ts'
import { openApiDocument } from './docs/openapi/document.ts'
import { outputPage } from './docs/output.ts'
import { rightsPage } from './docs/rights.ts'
import { sizingPage } from './docs/sizing.ts'
import { stableNames, stableNamesPath } from './docs/stable/names.ts'
import { tablesPage } from './docs/tables.ts'

/**
 * Writes every page and table of the documents that can be made from the code; with `--check`, writes nothing, and fails
 * when a page is not up to date.
 */
const folder = 'docs/reference'

await writeMadeFiles()

/** Whole pages, by their path. */
const pages: Record<string, string> = {
  ...commandPages(`${folder}/commands`),
  [`${folder}/agent-tools.md`]: agentToolsPage(),
  [`${folder}/config.md`]: configPage(),
  [`${folder}/dependencies.md`]: await dependenciesPage(),
  [`${folder}/environment.md`]: environmentPage(),
  [`${folder}/errors.md`]: errorsPage(),
  [`${folder}/events.md`]: await eventsPage(),
  [`${folder}/http-api.md`]: httpApiPage(),
  [`${folder}/output.md`]: outputPage(),
  'docs/deploy/sizing.md': await sizingPage(),
  'docs/observe/dashboard.json': dashboard(),
  [`${folder}/rights.md`]: rightsPage(),
  [`${folder}/tables.md`]: await tablesPage(),
  [stableNamesPath]: await stableNames(openApiDocument()),
}

const wayTable = (ways: readonly Way[]): string =>
  table(
    ['when', 'command', 'what happens', 'back'],
    ways.map(({ when, command, does, back }) => [when, code(command), does, back]),
  )

/** Tables inside a page that is written by hand: between `<!-- name -->` and `<!-- /name -->`. */
const exitCodes = 'docs/operate/exit-codes.md'
const which = 'docs/operate/which.md'
const tables = [
  { path: exitCodes, name: 'exit-codes', table: exitCodeTable() },
  { path: exitCodes, name: 'outcomes', table: outcomeTable() },
  { path: which, name: 'stops', table: wayTable(stops) },
  { path: which, name: 'ways', table: wayTable(waysOut) },
  { path: enginesPath, name: 'works', table: worksTable() },
  { path: enginesPath, name: 'promises', table: await conformanceTable() },
  { path: enginesPath, name: 'instead', table: insteadTable() },
  { path: architecturePath, name: 'writers', table: await writersTable() },
]

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

function withTable(text: string, { path, name, table }: (typeof tables)[number]): string {
  const place = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!place.test(text)) throw new Error(`${path} has no place for the table ${name}`)
  return text.replace(place, (_, open, close) => `${open}${table}\n${close}`)
}

const withTables = async (path: string): Promise<[string, string]> => [
  path,
  tables.filter((one) => one.path === path).reduce(withTable, await textOf(path)),
]

const wanted: [string, string][] = [
  ...Object.entries(pages),
  ...(await Promise.all([exitCodes, which, enginesPath, architecturePath].map(withTables))),
  ['package.json', await manifestWithManPages()],
]
/** Pages of commands that are no more. README.md is the only page of the folder that is written by hand. */
const left = (await readdir(folder, { recursive: true }).catch(() => []))
  .map((name) => `${folder}/${name}`)
  .filter((path) => path.endsWith('.md') && path !== `${folder}/README.md` && !(path in pages))

const stale: string[] = [...left]
for (const [path, text] of wanted) if ((await textOf(path)) !== text) stale.push(path)

if (process.argv.includes('--check')) {
  for (const path of stale) console.error(`${path} is not up to date: npm run docs`)
  const faults = await architectureFaults()
  for (const fault of faults) console.error(fault)
  if (stale.length + faults.length > 0) process.exitCode = 1
} else {
  for (const path of left) await rm(path)
  for (const [path, text] of wanted) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}
