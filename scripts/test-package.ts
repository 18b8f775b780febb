import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { packSdk } from './pack-sdk.ts'

/**
 * Packs the package as npm would publish it, has publint and @arethetypeswrong/cli look at it, installs it into a project, and compiles a
 * program in TypeScript against it, as projects resolve modules. Exits with an error at the first thing that is wrong.
 */
const folder = await mkdtemp(join(tmpdir(), 'jobsctl-package-'))

function run(command: string, args: string[], cwd = '.'): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

const Packed = z
  .array(z.object({ filename: z.string(), unpackedSize: z.number(), files: z.array(z.object({ path: z.string() })) }))
  .length(1)
/** The most bytes that the package takes unpacked, without the embedded database. */
const mostBytes = 6_000_000
const Manifest = z.object({
  man: z.array(z.string()),
  exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
})

/** What a program of others writes. Its options are those under which declarations are read most strictly. */
const program = `
import { createClient, type Job, JobsError, type PruneOutput } from 'jobsctl/client'
import { type Handler, JobFailure, runWorker, withSchema } from 'jobsctl/worker'
import * as z from 'zod'

const client = createClient({ url: 'http://127.0.0.1:1', apiKey: 'key' })
const enqueued: Promise<Job> = client.enqueue({ domain: 'd', job_type: 't', payload: { page: 1 } })
const pruned: Promise<PruneOutput> = client.prune({ domain: 'd', statuses: ['failed'] }, { confirm: true })
// @ts-expect-error a status that is not pruned
void client.prune({ statuses: ['queued'] })
// @ts-expect-error a field that does not exist
void client.enqueue({ domain: 'd', job_type: 't', payload: {}, retries: 1 })
const page: Handler = withSchema(z.object({ page: z.coerce.number() }), ({ payload }) => payload.page.toFixed(1))
const plain: Handler = ({ payload, signal, progress, job }) => {
  // @ts-expect-error a payload without a schema is unknown
  payload.page
  progress(job.retry_count ?? 0)
  signal.throwIfAborted()
  throw new JobFailure('no', { retryable: false })
}
export const all = [enqueued, pruned, () => runWorker({ url: '', domain: 'd', handlers: { page, plain } })]
export const codeOf = (error: unknown): string => (error instanceof JobsError ? error.code : 'none')
`
const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  lib: ['es2023'],
  types: ['node'],
}

try {
  const [packed] = Packed.parse(JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder])))
  const tarball = join(folder, packed?.filename ?? '')
  const manifest = Manifest.parse(JSON.parse(await readFile('package.json', 'utf8')))
  const named = [
    ...manifest.man,
    ...Object.values(manifest.exports).flatMap((path) => (typeof path === 'string' ? [path] : Object.values(path))),
    ...['bash/jobsctl', 'zsh/_jobsctl', 'fish/jobsctl.fish'].map((path) => `dist/completions/${path}`),
    'scripts/example-worker.ts',
    'dist/sbom.cdx.json',
  ].map((path) => path.replace('./', ''))
  const paths = new Set(packed?.files.map(({ path }) => path))
  const missing = named.filter((path) => !paths.has(path))
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`)

  const bytes = packed?.unpackedSize ?? Number.POSITIVE_INFINITY
  console.log(`jobsctl takes ${(bytes / 1e6).toFixed(2)} MB unpacked`)
  if (bytes > mostBytes) throw new Error(`the package must not be larger than ${mostBytes / 1e6} MB`)

  console.log(run('npx', ['--no', 'publint', 'run', tarball, '--strict']))
  console.log(run('npx', ['--no', 'attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color']))

  await installSdk(join(folder, 'sdk'))

  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  run('npm', ['install', '--no-audit', '--no-fund', '--omit=optional', tarball], project)
  for (const name of ['zod', '@types/node', 'undici-types']) await link(name, project)
  await writeFile(join(project, 'program.ts'), program)
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ] as const) {
    const config = { compilerOptions: { ...options, module, moduleResolution }, files: ['program.ts'] }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config))
    run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', project])
    console.log(`TypeScript with ${moduleResolution}: ok`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Installs `jobsctl-sdk` into an empty project, loads its modules, and holds its size. */
async function installSdk(project: string): Promise<void> {
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  run('npm', ['install', '--no-audit', '--no-fund', await packSdk(folder)], project)
  const load = ['client', 'worker', 'testing'].map((name) => `await import('jobsctl-sdk/${name}')`).join('; ')
  run(process.execPath, ['--input-type=module', '-e', load], project)
  const files = await readdir(join(project, 'node_modules'), { recursive: true, withFileTypes: true })
  const sizes = files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name)))
  const bytes = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
  console.log(`jobsctl-sdk takes ${(bytes / 1e6).toFixed(2)} MB installed`)
  if (bytes > 2e6) throw new Error(`jobsctl-sdk takes ${bytes} bytes installed, and may take 2,000,000`)
}

/** Gives the project a package that this repository has. */
function link(name: string, project: string): Promise<void> {
  return cp(resolve('node_modules', name), join(project, 'node_modules', name), { recursive: true, dereference: true })
}
