import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { type BuildResult, build, type Metafile } from 'esbuild'
import type { Endpoint } from '../../shared/endpoint.ts'
import * as endpoints from '../../shared/endpoints.ts'
import { version } from '../../shared/version.ts'

const folder = 'dist/ui'
const compressors = [
  ['br', promisify(brotliCompress)],
  ['gz', promisify(gzip)],
] as const

/**
 * Builds the dashboard into `dist/ui`: scripts and a style sheet whose names have the hash of their content, compressed, and the
 * page that loads them; some screens are scripts of their own, which are loaded when they are opened. The server puts its base path into the page.
 */
export async function buildUi(): Promise<BuildResult<{ metafile: true }>> {
  const result = await build({
    entryPoints: ['ui/main.tsx'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    splitting: true,
    outdir: join(folder, 'assets'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { ENDPOINTS: JSON.stringify(await endpointTable()) },
    metafile: true,
  })
  refuseForeign(Object.keys(result.metafile.inputs))
  const names = Object.keys(result.metafile.outputs).map((path) => basename(path))
  const main = Object.entries(result.metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'ui/main.tsx')
  if (!main) throw new Error('the build has no ui/main.tsx')
  const [script, { cssBundle = '' }] = main
  const needed = importedBy(script, result.metafile).map((path) => basename(path))
  const html = await readFile('ui/index.html', 'utf8')
  const page = html
    .replace(/^.*%NEEDED%.*\n/m, (line) => needed.map((name) => line.replace('%NEEDED%', name)).join(''))
    .replaceAll('%SCRIPT%', basename(script))
    .replaceAll('%STYLE%', basename(cssBundle))
    .replaceAll('%VERSION%', version)
  await writeFile(join(folder, 'index.html'), page)
  await Promise.all(names.map((name) => compress(join(folder, 'assets', name))))
  return result
}

/** The scripts that a script imports at once, and those that they import. */
function importedBy(script: string, { outputs }: Metafile): string[] {
  const found = new Set([script])
  for (const path of found)
    for (const { kind, path: next } of outputs[path]?.imports ?? []) if (kind === 'import-statement') found.add(next)
  return [...found].slice(1)
}

/** What the browser may load: the dashboard, what it shares with the programs, and its one library. */
const own = /^(ui|shared)\/|^<define:|^node_modules\/(preact|@preact\/signals(-core)?)\//

/**
 * Keeps the schemas and both programs out of the browser: the schemas are larger than the page, and their compiler breaks its policy.
 * @throws Error with the files
 */
function refuseForeign(inputs: readonly string[]): void {
  const foreign = inputs.filter((path) => !own.test(path))
  if (foreign.length > 0) throw new Error(`the dashboard must not load ${foreign.join(', ')}`)
}

const isEndpoint = (value: object): value is Endpoint => 'method' in value && 'output' in value

/** Method and path of each endpoint that the dashboard names, so that the schemas stay out of the browser. */
async function endpointTable(): Promise<Record<string, readonly string[]>> {
  const files = (await readdir('ui', { recursive: true })).filter((name) => /\.tsx?$/.test(name))
  const sources = ['shared/changes/kinds.ts', ...files.map((name) => join('ui', name))]
  const source = (await Promise.all(sources.map((path) => readFile(path, 'utf8')))).join('\n')
  return Object.fromEntries(
    Object.entries(endpoints).flatMap(([name, value]) =>
      isEndpoint(value) && source.includes(`'${name}'`)
        ? [[name, [value.method, value.path, ...(value.keyed === undefined ? [] : [value.keyed])]]]
        : [],
    ),
  )
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path)
  for (const [ending, shrink] of compressors) await writeFile(`${path}.${ending}`, await shrink(content))
}
