import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { pause } from '../call/pause.ts'

/** A server with an embedded database of its own. */
export interface TestServer {
  url: string
  apiKey: string
  /** A name that no other test of this server has: for jobs that no other test sees. */
  domain: () => string
  /** Ends the server and deletes its database. */
  stop: () => Promise<void>
}

/** How long a start may take, in milliseconds: the first one makes the database. */
const startMs = 120_000

/**
 * Starts `jobs-server` of the package `jobsctl` on an embedded database in a folder of its own, for all tests of a run. The first start of a
 * version makes the tables, and keeps them in the folder for temporary files; later ones begin with a copy. The server ends with this process.
 * @throws Error where the package `jobsctl` or its embedded database is not installed, with the log of the server
 */
export async function startTestServer(): Promise<TestServer> {
  const require = createRequire(import.meta.url)
  const manifest = packageOf(require)
  const program = join(dirname(manifest), 'dist/server/main.js')
  const { version } = { version: '', ...JSON.parse(await readFile(manifest, 'utf8')) }
  const template = await templateOf(program, String(version))
  const folder = await mkdtemp(join(tmpdir(), 'jobs-test-'))
  await cp(template, folder, { recursive: true })
  const server = await start(program, folder)
  const run = randomBytes(3).toString('hex')
  let domains = 0
  return {
    ...server,
    domain: () => `test-${run}-${++domains}`,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function packageOf(require: NodeJS.Require): string {
  try {
    return require.resolve('jobsctl/package.json')
  } catch (cause) {
    throw new Error('startTestServer needs the package jobsctl, which has the server: npm install --save-dev jobsctl', {
      cause,
    })
  }
}

/** The folder with a database that has its tables. Two processes may make it at once: the first one gives it its name. */
async function templateOf(program: string, version: string): Promise<string> {
  const template = join(tmpdir(), `jobs-test-template-${version}-${userInfo().uid}`)
  if (existsSync(template)) return template
  const draft = await mkdtemp(join(tmpdir(), 'jobs-test-new-'))
  const server = await start(program, draft)
  await server.stop()
  await rename(draft, template).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  })
  return template
}

async function start(program: string, folder: string): Promise<Pick<TestServer, 'url' | 'apiKey' | 'stop'>> {
  const apiKey = randomBytes(24).toString('hex')
  const { PATH } = process.env
  const child = spawn(process.execPath, [program], {
    env: { PATH, PORT: '0', HOST: '127.0.0.1', JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: apiKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    process.off('exit', kill)
    child.kill('SIGTERM')
    await ended
  }
  try {
    const url = await urlOf(child)
    await untilReady(url)
    return { url, apiKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A server listens before it has its tables. */
async function untilReady(url: string): Promise<void> {
  for (const endAt = performance.now() + startMs; ; await pause(50, new AbortController().signal)) {
    const { ok, status } = await fetch(`${url}/readyz`)
    if (ok) return
    if (performance.now() > endAt) throw new Error(`jobs-server is not ready after ${startMs} ms: /readyz is ${status}`)
  }
}

/** The URL at which a server listens, which its log has. */
function urlOf(child: ChildProcess): Promise<string> {
  let log = ''
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`jobs-server did not start in ${startMs} ms: ${log}`)), startMs)
    const read = (text: string) => {
      // What the server writes later is for nobody, and must not fill the memory of the tests.
      if (log.length < 100_000) log += text
      const [, url] = /listening on (http:[^"\s]+)/.exec(log) ?? []
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    }
    child.stdout?.setEncoding('utf8').on('data', read)
    child.stderr?.setEncoding('utf8').on('data', read)
    child.once('error', reject).once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`jobs-server ended with ${code}: ${log}`))
    })
  })
}
