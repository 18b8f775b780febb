import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { insertIncident } from '../../server/demo/incident.ts'
import { insertSampleJobs } from '../../server/demo/sample-jobs.ts'
import { startBuilt } from './built-server.ts'
import { demonstrateCrash } from './crash.ts'
import { incidentSteps, nightSteps, policySteps, policyText, type Step, steps, stepsWithWorker } from './steps.ts'
import { completeJobs } from './worker.ts'

const jobsctl = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url))

const folder = await mkdtemp(join(tmpdir(), 'jobsctl-demo-'))
const terminal = Boolean(process.stdout.isTTY)
const stepCount = [steps, stepsWithWorker, incidentSteps, policySteps, nightSteps].flat().length
let outputs = 0

console.log(`Starting a server on an embedded database in ${folder} …`)
const server = await startBuilt({ JOBS_DATA_DIR: folder })
const failed: string[] = []
try {
  await insertSampleJobs(server.sql)
  console.log('The database has 4,000 sample jobs.')
  await runSteps(steps)
  const stopping = new AbortController()
  const target = { url: server.url, key: (await readFile(join(folder, 'api-key'), 'utf8')).trim() }
  const working = completeJobs({ ...target, domain: 'embeddings' }, stopping.signal)
  await runSteps(stepsWithWorker)
  stopping.abort()
  await working
  await insertIncident(server.sql)
  console.log('\nAn incident: customers have had no receipt for an hour.')
  await runSteps(incidentSteps)
  await writeFile(join(folder, 'policy.yaml'), policyText)
  console.log(`\nA policy, policy.yaml:\n\n${policyText}`)
  await runSteps(policySteps)
  console.log('\nIt is a quarter past three.')
  await runNight()
  await runSteps(nightSteps)
  await demonstrateCrash({ folder, expect, runCommand })
  if (terminal && failed.length === 0) await keepServerRunning()
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
console.log(
  failed.length === 0
    ? `\nAll ${stepCount} steps and the steps of the crash had the expected results.`
    : `\nThese expectations were not met: ${failed.join('; ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1

/** Makes each rule of the policy due, and waits until the server has run them. @throws Error after 60 s */
async function runNight(): Promise<void> {
  await server.sql`update jobsctl_policy_rules set next_at = now()`
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(200)) {
    const [left] = await server.sql`select from jobsctl_policy_rules where ended_at is null`
    if (!left) return
  }
  throw new Error('the server did not run the policy within 60 s')
}

async function runSteps(selected: readonly Step[]): Promise<void> {
  for (const { argv, exitCode, output } of selected) {
    console.log(`\n$ jobsctl ${argv.join(' ')}`)
    const run = await runJobsctl(argv, { JOBSCTL_URL: server.url, JOBSCTL_API_KEY_FILE: join(folder, 'api-key') })
    process.stdout.write(run.output)
    if (run.code !== 0) console.log(`(exit ${run.code})`)
    expect(
      `exit code ${exitCode}, output ${output}`,
      run.code === exitCode && output.test(stripVTControlCharacters(run.output)),
    )
  }
}

function expect(expected: string, met: boolean): void {
  if (met) return
  failed.push(expected)
  console.log(`EXPECTED: ${expected}`)
}

async function runCommand(line: string, url: string, key: string) {
  const run = await runJobsctl(line.split(' '), { JOBSCTL_URL: url, JOBSCTL_API_KEY: key })
  process.stdout.write(`\n$ jobsctl ${line}\n${run.output}`)
  if (run.code !== 0) console.log(`(exit ${run.code})`)
  return run
}

/** Runs jobsctl with both output streams in one file, so that the output is in the order in which it was written. */
async function runJobsctl(
  argv: readonly string[],
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
  const child = spawn(process.execPath, [jobsctl, ...argv], { env, cwd: folder, stdio: ['ignore', file.fd, file.fd] })
  const code = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  await file.close()
  return { code, output: await readFile(path, 'utf8') }
}

async function keepServerRunning(): Promise<void> {
  console.log(`
The server runs until Ctrl-C. In another terminal, in this folder:

  export JOBSCTL_URL=${server.url} JOBSCTL_API_KEY_FILE=${join(folder, 'api-key')}
  node dist/cli/bin.js stats
  node dist/cli/bin.js prune --domain media`)
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
}
