import { chmod, cp, rm, writeFile } from 'node:fs/promises'
import { type BuildOptions, build } from 'esbuild'
import { commands } from '../../cli/commands/all.ts'
import { programHelp } from '../../cli/help/help-text.ts'
import { edgeApart, textOverHttp1 } from './cli-parts.ts'
import { driverGuard } from './driver-guard.ts'
import { licencesOf } from './licences.ts'

/** Some bundled packages are CommonJS, and ask for Node's modules by `require`. */
const banner = {
  js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
}

const common: BuildOptions & { metafile: true } = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  metafile: true,
}

const server: typeof common = {
  ...common,
  format: 'esm',
  splitting: true,
  outdir: 'dist/server',
  // All but the names: the log has errors by those of their classes. To name each function anew, as `keepNames` does,
  // takes a tenth of what a call costs.
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['@electric-sql/pglite'],
  banner,
  plugins: [driverGuard],
}

/**
 * A command line is read anew each time: as CommonJS, which Node loads without waiting, and in two files, since
 * each file more takes longer than the text in it. The first is all that the commonest questions need.
 */
const cli: typeof common = {
  ...common,
  format: 'cjs',
  outdir: 'dist/cli',
  // What is smaller is read faster, and a command line is read anew each time.
  minify: true,
  supported: { 'dynamic-import': false },
  define: { PROGRAM_HELP: JSON.stringify(programHelp(commands)) },
  plugins: [edgeApart, textOverHttp1],
}

await rm('dist', { recursive: true, force: true })
const built = await Promise.all([
  build({ ...cli, entryPoints: ['cli/bin.ts', 'cli/edge.ts'] }),
  build({ ...server, entryPoints: ['server/main.ts', 'server/start.ts'] }),
  build({ ...server, entryPoints: ['server/database/embedded-worker.ts'] }),
])
await writeFile('dist/cli/package.json', '{ "type": "commonjs" }\n')
await cp('server/database/migrations', 'dist/server/migrations', { recursive: true })
await writeFile('dist/THIRD-PARTY-LICENSES.txt', await licencesOf(built.map(({ metafile }) => metafile)))
await Promise.all(['dist/cli/bin.js', 'dist/server/main.js'].map((file) => chmod(file, 0o755)))
