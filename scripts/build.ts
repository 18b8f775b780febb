import { chmod, cp, rm, writeFile } from 'node:fs/promises'
import { type BuildOptions, build } from 'esbuild'
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
  format: 'esm',
  splitting: true,
  // What is smaller is read faster, and a command line is read anew each time.
  minify: true,
  metafile: true,
  external: ['@electric-sql/pglite'],
  banner,
  plugins: [driverGuard],
}

await rm('dist', { recursive: true, force: true })
const built = await Promise.all([
  build({ ...common, entryPoints: ['cli/bin.ts'], outdir: 'dist/cli' }),
  build({
    ...common,
    entryPoints: ['server/main.ts', 'server/start.ts'],
    outdir: 'dist/server',
  }),
  build({ ...common, entryPoints: ['server/database/embedded-worker.ts'], outdir: 'dist/server' }),
])
await cp('server/database/migrations', 'dist/server/migrations', { recursive: true })
await writeFile('dist/THIRD-PARTY-LICENSES.txt', await licencesOf(built.map(({ metafile }) => metafile)))
await Promise.all(['dist/cli/bin.js', 'dist/server/main.js'].map((file) => chmod(file, 0o755)))
