import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import * as z from 'zod'
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
 */
const Engine = z.enum(['pg-boss', 'bullmq', 'graphile-worker'])

const { values, positionals } = parseArgs({
  options: { engine: { type: 'string' }, version: { type: 'string' }, title: { type: 'string', short: 't' } },
  allowPositionals: true,
})
const engine = Engine.optional().safeParse(values.engine)
if (!engine.success) fail(`--engine is ${Engine.options.join(' or ')}, not ${values.engine}`)
else if (values.version !== undefined && engine.data === undefined) fail('--version needs --engine')
else await run(engine.data, values.version)

async function run(named: z.infer<typeof Engine> | undefined, version: string | undefined): Promise<void> {
  const only = version === undefined || /^\d/.test(version) ? version : await tagged(named ?? 'pg-boss', version)
  const versions = {
    'pg-boss': pgBossVersions,
    bullmq: bullMqVersions,
    'graphile-worker': graphileWorkerVersions,
  } as const
  const engines = Engine.options.filter((one) => named === undefined || one === named)
  const packages = [
    engineNode,
    ...engines.flatMap((name) =>
      (only === undefined ? versions[name] : [only]).map((one): EnginePackage => ({ name, version: one })),
    ),
  ]
  await Promise.all(
    packages.map(async (wanted) => {
      const reason = await installPackage(wanted)
      if (reason !== undefined) console.log(`skipped: npm cannot install ${nameOf(wanted)}: ${reason}`)
    }),
  )
  const chosen = positionals.length > 0 ? positionals : [`test/engines/${named ?? ''}`]
  const title = values.title === undefined ? [] : ['-t', values.title]
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'engines', ...chosen, ...title], {
    stdio: 'inherit',
    env: { ...process.env, TEST_ENGINE_VERSION: only },
  })
  process.exitCode = status ?? 1
}

/** Returns the version that has a tag, or the tag itself where the registry does not answer: its tests are skipped then. */
function tagged(name: z.infer<typeof Engine>, tag: string): Promise<string> {
  return versionOfTag(name, tag).catch(() => tag)
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 2
}
