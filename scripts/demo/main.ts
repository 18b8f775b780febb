import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { readEnv } from '../../server/env.ts'
import { createLog } from '../../server/log.ts'
import { crashScene } from './crash.ts'
import { insertSampleJobs } from './sample-jobs.ts'
import { type Step, steps, stepsWithWorker } from './steps.ts'
import { workOff } from './worker.ts'

/** The built server, with the types of its source. */
const { start }: typeof import('../../server/start.ts') = await import(
  new URL('../../dist/server/start.js', import.meta.url).href
)
const jobsctl = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url))

const folder = await mkdtemp(join(tmpdir(), 'jobsctl-demo-'))
const log = createLog({ write: () => {}, readable: true })
const terminal = Boolean(process.stdout.isTTY)
let outputs = 0

console.log(`Starting a server on an embedded database in ${folder} …`)
const server = await start(readEnv({ JOBS_DATA_DIR: folder, JOBS_EMBEDDED_FSYNC: 'false', PORT: '0' }), log)
const failed: string[] = []
try {
  await server.prepared
  await insertSampleJobs(server.sql)
  console.log('4,000 sample jobs are in it.')
  await playAll(steps)
  const over = new AbortController()
  const target = { url: server.url, key: (await readFile(join(folder, 'api-key'), 'utf8')).trim() }
  const working = workOff({ ...target, domain: 'embeddings' }, over.signal)
  await playAll(stepsWithWorker)
  over.abort()
  await working
  await crashScene({ folder, expect, type: typeAt })
  if (terminal && failed.length === 0) await stayUp()
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
console.log(
  failed.length === 0
    ? `\nAll ${steps.length + stepsWithWorker.length} steps, and those of the crash, did what they should.`
    : `\nNot as it should be: ${failed.join('; ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1

async function playAll(played: readonly Step[]): Promise<void> {
  for (const { words, exit, says } of played) {
    console.log(`\n$ jobsctl ${words.join(' ')}`)
    const run = await runJobsctl(words, { JOBSCTL_URL: server.url, JOBSCTL_API_KEY_FILE: join(folder, 'api-key') })
    process.stdout.write(run.output)
    if (run.code !== 0) console.log(`(exit ${run.code})`)
    expect(`exit ${exit} and say ${says}`, run.code === exit && says.test(stripVTControlCharacters(run.output)))
  }
}

function expect(what: string, right: boolean): void {
  if (right) return
  failed.push(what)
  console.log(`THIS SHOULD BE: ${what}`)
}

async function typeAt(line: string, url: string, key: string) {
  const run = await runJobsctl(line.split(' '), { JOBSCTL_URL: url, JOBSCTL_API_KEY: key })
  process.stdout.write(`\n$ jobsctl ${line}\n${run.output}`)
  if (run.code !== 0) console.log(`(exit ${run.code})`)
  return run
}

/** Both streams go to one file, so that they stay in the order in which they were written. */
async function runJobsctl(
  words: readonly string[],
  target: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const path = join(folder, `output-${outputs++}`)
  const file = await open(path, 'w')
  const { NO_COLOR: _, CI: __, ...inherited } = process.env
  const env = {
    ...inherited,
    XDG_CONFIG_HOME: folder,
    ...target,
    JOBSCTL_OUTPUT: 'table',
    FORCE_COLOR: terminal ? '1' : '0',
  }
  const child = spawn(process.execPath, [jobsctl, ...words], { env, cwd: folder, stdio: ['ignore', file.fd, file.fd] })
  const code = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  await file.close()
  return { code, output: await readFile(path, 'utf8') }
}

async function stayUp(): Promise<void> {
  console.log(`
The server stays up until Ctrl-C. In another terminal, in this folder:

  export JOBSCTL_URL=${server.url} JOBSCTL_API_KEY_FILE=${join(folder, 'api-key')}
  node dist/cli/bin.js stats
  node dist/cli/bin.js prune --domain media`)
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
}
