import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { type BuildResult, build } from 'esbuild'
import type { Endpoint } from '../../shared/endpoint.ts'
import * as endpoints from '../../shared/endpoints.ts'
import { version } from '../../shared/version.ts'

const folder = 'dist/ui'
const compressors = [
  ['br', promisify(brotliCompress)],
  ['gz', promisify(gzip)],
] as const

/**
 * Builds the dashboard into `dist/ui`: a script and a style sheet whose names have the hash of their content, compressed, and the
 * page that loads them. The server puts its base path into the page.
 */
export async function buildUi(): Promise<BuildResult<{ metafile: true }>> {
  const result = await build({
    entryPoints: ['ui/main.tsx'],
    entryNames: '[name]-[hash]',
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
  const nameOf = (ending: string) => names.find((name) => name.endsWith(ending)) ?? ''
  const page = (await readFile('ui/index.html', 'utf8'))
    .replaceAll('%SCRIPT%', nameOf('.js'))
    .replaceAll('%STYLE%', nameOf('.css'))
    .replaceAll('%VERSION%', version)
  await writeFile(join(folder, 'index.html'), page)
  await Promise.all(names.map((name) => compress(join(folder, 'assets', name))))
  return result
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
async function endpointTable(): Promise<Record<string, readonly [string, string]>> {
  const files = (await readdir('ui', { recursive: true })).filter((name) => /\.tsx?$/.test(name))
  const source = (await Promise.all(files.map((name) => readFile(join('ui', name), 'utf8')))).join('\n')
  return Object.fromEntries(
    Object.entries(endpoints).flatMap(([name, value]) =>
      isEndpoint(value) && source.includes(`'${name}'`) ? [[name, [value.method, value.path]]] : [],
    ),
  )
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path)
  for (const [ending, shrink] of compressors) await writeFile(`${path}.${ending}`, await shrink(content))
}
