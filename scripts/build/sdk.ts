import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { type BuildResult, build } from 'esbuild'
import * as z from 'zod'

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

/** An editor goes from a declaration to its source, which the package has beside `dist/`. */
async function writeMap(path: string): Promise<void> {
  const map = DeclarationMap.parse(JSON.parse(await readFile(join(emitted, 'sdk', path), 'utf8')))
  const sources = map.sources.map((source) =>
    relative(dirname(join(folder, path)), join(emitted, 'sdk', dirname(path), source)),
  )
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), JSON.stringify({ ...map, sources }))
}

const DeclarationMap = z.looseObject({ sources: z.array(z.string()) })

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
    const isMade = path.startsWith('wire')
    if (path.endsWith('.d.ts.map') && !isMade) await writeMap(path)
    if (!path.endsWith('.d.ts')) continue
    const emittedText = (await readFile(join(from, path), 'utf8')).replaceAll(/(from '[^']*)\.ts'/g, "$1.js'")
    // The declarations of the wire are what an editor shows: their source is made, too, and says no more.
    const text = isMade ? emittedText.replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n') : emittedText
    const [outside] = /from '(?!\.\.?\/(?!.*\/shared\/))[^']*'/.exec(text) ?? []
    if (outside) throw new Error(`${path} must not have "${outside}"`)
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await rm(emitted, { recursive: true })
}
