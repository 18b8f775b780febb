import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { compareConformance, recordConformance } from './docs/conformance-run.ts'
import {
  bullMqVersions,
  type EnginePackage,
  engineNode,
  graphileWorkerVersions,
  installPackage,
  nameOf,
  pgBossVersions,
  versionOfTag,
} from './launch/engine-packages.ts'

/**
 * Installs the engines by npm, and runs the tests of jobsctl beside them. `--engine` names one engine, and `--version` a version or a tag
 * of npm that takes the place of all its versions. Files and `-t` go to vitest. A test whose package is missing is skipped, and names it.
 * What the run showed of the promises to every engine is compared with docs/engines/conformance.json, or written into it with `--record`.
 */
const Engine = z.enum(['pg-boss', 'bullmq', 'graphile-worker', 'mapped'])
type Engine = z.infer<typeof Engine>

/** The versions of each engine; a mapped table needs no package. */
const versionsOf: Readonly<Record<Engine, readonly string[]>> = {
  'pg-boss': pgBossVersions,
  bullmq: bullMqVersions,
  'graphile-worker': graphileWorkerVersions,
  mapped: [],
}

const usage = `usage: npm run test:engines -- [flags] [files of test/engines]
  --engine <name>      the tests of one engine: ${Engine.options.join(', ')}
  --version <version>  one version of it, or a tag of npm such as latest, in place of all of them
  -t, --title <word>   the tests whose title has this word
  --record             write what the run showed into docs/engines/conformance.json`

const { values, positionals } = parseFlags()
const engine = Engine.optional().safeParse(values.engine)
if (values.help) console.log(usage)
else if (!engine.success) fail(`--engine is ${Engine.options.join(' or ')}, not ${values.engine}`)
else if (values.version !== undefined && engine.data === undefined) fail('--version needs --engine')
else if (values.record && values.version !== undefined) fail('--record takes all versions of an engine: no --version')
else await run(engine.data, values.version)

/** Parses the flags. Their values are not checked. Exits with 2 and the usage where one is not known. */
function parseFlags() {
  const options = {
    engine: { type: 'string' },
    version: { type: 'string' },
    title: { type: 'string', short: 't' },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
    process.exit()
  }
}

async function run(named: Engine | undefined, version: string | undefined): Promise<void> {
  const only = version === undefined ? version : await versionMeant(named, version)
  const engines = Engine.options.filter((one) => named === undefined || one === named)
  await Promise.all(packagesOf(engines, only).map(install))
  const chosen = positionals.length > 0 ? positionals : [`test/engines/${named ?? ''}`]
  const title = values.title === undefined ? [] : ['-t', values.title]
  const folder = await mkdtemp(join(tmpdir(), 'jobs-engines-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'engines', ...reporters, ...chosen, ...title], {
    stdio: 'inherit',
    env: { ...process.env, TEST_ENGINE_VERSION: only },
  })
  process.exitCode = status ?? 1
  const faults = await (values.record ? recordConformance(report, status === 0) : compareConformance(report))
  await rm(folder, { recursive: true })
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode ||= 1
}

/** A version of an engine, or the type of the key of a mapped table. */
async function versionMeant(named: Engine | undefined, version: string): Promise<string> {
  if (named === undefined || named === 'mapped' || /^\d/.test(version)) return version
  // Where the registry does not answer, the tests of the tag are skipped.
  return versionOfTag(named, version).catch(() => version)
}

function packagesOf(engines: readonly Engine[], only: string | undefined): EnginePackage[] {
  const packages = engines.flatMap((name) =>
    name === 'mapped' ? [] : (only === undefined ? versionsOf[name] : [only]).map((version) => ({ name, version })),
  )
  return packages.length === 0 ? [] : [engineNode, ...packages]
}

async function install(wanted: EnginePackage): Promise<void> {
  const reason = await installPackage(wanted)
  if (reason !== undefined) console.log(`skipped: npm cannot install ${nameOf(wanted)}: ${reason}`)
}

function fail(message: string): void {
  console.error(`error: ${message}\n${usage}`)
  process.exitCode = 2
}
