import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type BuildResult, build } from 'esbuild'

const folder = 'dist/sdk'
/** Where the compiler writes the declarations of sdk/ and of what it imports. */
const emitted = 'dist/declarations'

/** Builds `jobsctl/client`, `jobsctl/worker` and `jobsctl/testing`: modules that import nothing of other packages, and their declarations. */
export async function buildSdk(): Promise<BuildResult<{ metafile: true }>> {
  const [result] = await Promise.all([
    build({
      entryPoints: ['sdk/client.ts', 'sdk/worker.ts', 'sdk/testing.ts'],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'neutral',
      external: ['node:*'],
      target: 'node20',
      metafile: true,
    }),
    writeDeclarations(),
  ])
  const foreign = Object.keys(result.metafile.inputs).filter(
    (path) => !/^(sdk|shared|node_modules\/eventsource-parser)\//.test(path),
  )
  if (foreign.length > 0) throw new Error(`the packages must not load ${foreign.join(', ')}`)
  return result
}

/**
 * Writes the declarations of sdk/ beside its modules. They refer to nothing outside of this folder.
 * @throws Error with a declaration that does
 */
async function writeDeclarations(): Promise<void> {
  const compiler = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', 'sdk', '--outDir', emitted])
  const from = join(emitted, 'sdk')
  for (const path of await readdir(from, { recursive: true })) {
    if (!path.endsWith('.d.ts')) continue
    const text = (await readFile(join(from, path), 'utf8')).replaceAll(/(from '[^']*)\.ts'/g, "$1.js'")
    const [outside] = /from '(?!\.\.?\/(?!.*\/shared\/))[^']*'/.exec(text) ?? []
    if (outside) throw new Error(`${path} must not have "${outside}"`)
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await rm(emitted, { recursive: true })
}
