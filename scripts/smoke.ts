import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { endServer, launchServer, urlOf } from './launch/server.ts'

/** Runs the built programs on the oldest version of Node 20 and 22 that `engines` allows, and on the newest Node 24. */
const versions = ['20.18.1', '22.12.0', '24']

/** A program in plain JavaScript, which enqueues a job with `jobsctl/client` and does it with `jobsctl/worker`. */
const program = `
import { readFile } from 'node:fs/promises'
import { createClient } from 'jobsctl/client'
import { runWorker } from 'jobsctl/worker'

const [url, keyFile] = process.argv.slice(2)
const apiKey = (await readFile(keyFile, 'utf8')).trim()
const client = createClient({ url, apiKey })
const { id } = await client.enqueue({ domain: 'smoke', job_type: 'add', payload: { a: 1, b: 2 } })
const done = new AbortController()
await runWorker({
  url, apiKey, domain: 'smoke', signal: done.signal,
  handlers: { add: ({ payload: { a, b } }) => a + b },
  onEvent: ({ event }) => event === 'completed' && done.abort(),
})
const { status, result } = await client.showJob({ id })
if (status !== 'completed' || result !== 3) throw new Error(\`the job is \${status}, with \${result}\`)
`

for (const version of versions) {
  const node = nodeOf(version)
  if (node === undefined) console.log(`Node ${version}: skipped, npx cannot install it`)
  else await smoke(node, version)
}

/** Returns the path of a Node binary, or undefined when npx cannot install it. */
function nodeOf(version: string): string | undefined {
  try {
    const args = ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath']
    return execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 180_000 }).trim()
  } catch {
    return undefined
  }
}

async function smoke(node: string, version: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'jobsctl-smoke-'))
  // It makes the key itself.
  const server = launchServer({ node, folder, env: { JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: undefined } })
  try {
    const url = await urlOf(server)
    const target = {
      ...process.env,
      XDG_CONFIG_HOME: folder,
      JOBSCTL_URL: url,
      JOBSCTL_API_KEY_FILE: join(folder, 'api-key'),
    }
    const jobsctl = (...argv: string[]) =>
      execFileSync(node, ['dist/cli/bin.js', ...argv], { env: target, encoding: 'utf8', timeout: 60_000 })
    jobsctl('server', '--version')
    jobsctl('doctor', '--retries', '5')
    jobsctl('stats', '--json')
    jobsctl('prune', '--all', '--yes')
    jobsctl('integrity', '--all', '--detailed-exitcode')
    await work(node, { folder, url })
    const exit = await endServer(server, 'SIGTERM')
    if (exit !== 0) throw new Error(`the server exited with ${exit}`)
    console.log(`Node ${version}: ok`)
  } finally {
    await endServer(server, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs the program in a project that has installed the package. */
async function work(node: string, { folder, url }: { folder: string; url: string }): Promise<void> {
  await mkdir(join(folder, 'node_modules'))
  await symlink(resolve('.'), join(folder, 'node_modules/jobsctl'))
  const file = join(folder, 'worker.mjs')
  await writeFile(file, program)
  execFileSync(node, [file, url, join(folder, 'api-key')], { stdio: 'inherit', timeout: 60_000 })
}
