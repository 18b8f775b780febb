import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openApiDocument } from './docs/openapi/document.ts'
import { engineNode, installPackage, usedOf } from './launch/engine-packages.ts'

/**
 * Makes clients from the OpenAPI document by the generators that authors use, and compiles a program against each with `strict`.
 * Exits with an error at the first one that does not compile.
 */
const folder = await mkdtemp(join(tmpdir(), 'jobsctl-clients-'))

/** Generators, what their clients need, and the compiler that they are made for. The repository needs none of them. */
const packages = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', '@hey-api/openapi-ts@0.99.0', 'typescript@5.9']

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  })
}

/** By openapi-typescript and openapi-fetch: paths and their types. */
const byPaths = `
import createClient from 'openapi-fetch'
import type { components, paths } from './paths.js'

type Job = components['schemas']['Job']
const client = createClient<paths>({ baseUrl: 'http://127.0.0.1:1', headers: { 'X-API-KEY': 'key' } })
export async function work(): Promise<Job['status'][]> {
  const { data, error } = await client.POST('/api/v1/jobs/acquire', { body: { domain: 'd', worker_id: 'w', limit: 2 } })
  if (error) throw new Error(error.detail)
  const state: 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined' | undefined = data.jobs[0]?.status
  for (const { id, lease_id } of data.jobs) {
    const ended = await client.POST('/api/v1/jobs/{id}/complete', {
      params: { path: { id: String(id) } },
      body: { worker_id: 'w', lease_id: lease_id ?? '', result: { at: new Date().toISOString() } },
    })
    const finished: components['schemas']['Finished'] | undefined = ended.data
    if (finished?.retry_count === 1) return [finished.status]
  }
  // @ts-expect-error a priority is a number
  await client.POST('/api/v1/jobs', { body: { domain: 'd', job_type: 't', payload: {}, priority: 'high' } })
  return state ? [state] : []
}
`

/** By hey-api: a function for each call. */
const byFunctions = `
import { acquire, enqueue, stats } from './functions/index.js'
import type { Finished, GroupStats, Job } from './functions/index.js'

export async function work(): Promise<(Job['status'] | Finished['status'])[]> {
  const { data } = await acquire({ body: { domain: 'd', worker_id: 'w' }, baseUrl: 'http://127.0.0.1:1' })
  const groups: GroupStats[] | undefined = (await stats({ query: { domain: 'd' } })).data
  // @ts-expect-error a field that does not exist
  await enqueue({ body: { domain: 'd', job_type: 't', payload: {}, retries: 1 } })
  return groups ? (data?.jobs ?? []).map(({ status }) => status) : []
}
`

const compilerOptions = {
  // The client of hey-api does not compile with exactOptionalPropertyTypes, whatever the document is.
  ...{ strict: true, noUncheckedIndexedAccess: true, noImplicitOverride: true, skipLibCheck: false },
  ...{ noEmit: true, target: 'es2022', lib: ['es2023', 'dom', 'dom.iterable'], types: [] },
  ...{ module: 'nodenext', moduleResolution: 'nodenext' },
}

try {
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  await writeFile(join(folder, 'openapi.json'), openApiDocument())
  await writeFile(join(folder, 'by-paths.ts'), byPaths)
  await writeFile(join(folder, 'by-functions.ts'), byFunctions)
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', 'functions'] }))
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel', 'error', ...packages])
  // hey-api needs Node 22.18 or later.
  const trouble = await installPackage(engineNode)
  const node = usedOf(engineNode)
  if (!node) throw new Error(`npm cannot install Node ${engineNode.version}: ${trouble}`)
  const tool = (path: string, ...args: string[]) => run(node, [join('node_modules', path), ...args])
  tool('openapi-typescript/bin/cli.js', 'openapi.json', '-o', 'paths.ts')
  tool('@hey-api/openapi-ts/bin/run.js', '-i', 'openapi.json', '-o', 'functions', '--silent')
  tool('typescript/bin/tsc', '-p', '.')
  console.log('clients by openapi-typescript with openapi-fetch, and by hey-api: ok')
} finally {
  if (process.env.KEEP_CLIENTS === undefined) await rm(folder, { recursive: true, force: true })
  else console.log(folder)
}
