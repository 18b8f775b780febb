import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

const Manifest = z.looseObject({
  version: z.string(),
  license: z.string(),
  type: z.literal('module'),
  engines: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.unknown()),
})

const readme = [
  '# jobsctl-sdk',
  '',
  'The client and the worker of jobsctl, without its server and its command line: `jobsctl-sdk/client` and `jobsctl-sdk/worker` are the same',
  'modules as `jobsctl/client` and `jobsctl/worker`. They have no dependencies. The page *packages* of the documentation of jobsctl says what they do.',
  '',
].join('\n')

/**
 * Packs `jobsctl-sdk` from the build: the modules and declarations of sdk/ alone.
 * @param to the folder of the packed file
 * @returns its path
 */
export async function packSdk(to: string): Promise<string> {
  const manifest = Manifest.parse(JSON.parse(await readFile('package.json', 'utf8')))
  const { version, license, type, engines } = manifest
  const names = Object.keys(manifest.exports).filter(
    (name) => name === './client' || name === './worker' || name === './testing',
  )
  const folder = await mkdtemp(join(tmpdir(), 'jobsctl-sdk-'))
  try {
    await mkdir(join(folder, 'dist'))
    await cp('dist/sdk', join(folder, 'dist/sdk'), { recursive: true })
    for (const file of ['LICENSE', 'dist/THIRD-PARTY-LICENSES.txt']) await cp(file, join(folder, file))
    await writeFile(join(folder, 'README.md'), readme)
    const own = {
      name: 'jobsctl-sdk',
      version,
      description: 'A client and a worker for the job queues of jobsctl.',
      ...{ license, type, engines },
      exports: Object.fromEntries([
        ...names.map((name) => [
          name,
          { types: `./dist/sdk/${name.slice(2)}.d.ts`, default: `./dist/sdk/${name.slice(2)}.js` },
        ]),
        ['./package.json', './package.json'],
      ]),
      files: ['dist'],
    }
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`)
    const argv = ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(to)]
    const [packed] = Packed.parse(JSON.parse(execFileSync('npm', argv, { cwd: folder, encoding: 'utf8' })))
    return join(resolve(to), packed?.filename ?? '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const Packed = z.array(z.object({ filename: z.string() })).length(1)

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await packSdk('.'))
