import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { engineNode, installPackage, usedOf } from './launch/engine-packages.ts'
import { endServer, launchServer, serverProgram, urlOf } from './launch/server.ts'

/**
 * Asks both doors of agents by the inspector of Model Context Protocol, a client that others wrote, with the configuration of
 * docs/operate/agents.md. Exits with an error at the first answer that is wrong; is skipped where npm cannot install the inspector.
 */
const inspector = '@modelcontextprotocol/inspector'
/** It needs Node 22.19 or later. */
const version = '2.12.0'

const Named = z.array(z.object({ name: z.string() }))
const Called = z.object({
  isError: z.literal(false).optional(),
  structuredContent: z.object({ as_of: z.iso.datetime(), plans: z.array(z.unknown()) }),
})
const Refused = z.object({ isError: z.literal(true), content: z.tuple([z.object({ text: z.string() })]) })

const folder = await mkdtemp(join(tmpdir(), 'jobsctl-inspector-'))
const trouble = await installed()
if (trouble === undefined) {
  try {
    await ask()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
} else {
  console.log(`inspector: skipped, npm cannot install it: ${trouble}`)
  await rm(folder, { recursive: true, force: true })
}

/** Installs the inspector and its Node. Returns why it cannot. */
async function installed(): Promise<string | undefined> {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  try {
    const args = ['install', '--no-audit', '--no-fund', '--loglevel', 'error', `${inspector}@${version}`]
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 180_000 })
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error)
  }
  return installPackage(engineNode)
}

async function ask(): Promise<void> {
  const env = { JOBS_DATA_DIR: folder, AUTH_MODE: 'multi_user', SINGLE_USER_API_KEY: undefined }
  const server = launchServer({ folder, env })
  try {
    const url = await urlOf(server)
    const jobsServer = (...argv: string[]) =>
      execFileSync(process.execPath, [serverProgram, ...argv], {
        env: { PATH: process.env.PATH, JOBS_DATA_DIR: folder, AUTH_MODE: 'multi_user' },
        encoding: 'utf8',
        timeout: 60_000,
      }).trim()
    jobsServer('agents', 'on')
    const ann = jobsServer('token', 'create', 'ann', '--role', 'operator')
    const mender = jobsServer('token', 'create', 'mender', '--role', 'agent', '--of', 'ann')
    const doors = {
      program: {
        command: process.execPath,
        args: [resolve('dist/cli/bin.js'), 'mcp'],
        env: { JOBSCTL_URL: url, JOBSCTL_TOKEN: ann, XDG_CONFIG_HOME: folder },
      },
      server: { type: 'http', url: `${url}/mcp`, headers: { Authorization: `Bearer ${mender}` } },
    }
    await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: doors }))
    for (const door of Object.keys(doors)) look(door)
  } finally {
    await endServer(server, 'SIGKILL')
  }
}

/** Lists what a door has, and calls a tool that answers and one that refuses. */
function look(door: string): void {
  const tools = z
    .object({ tools: Named })
    .parse(inspect(door, 'tools/list'))
    .tools.map(({ name }) => name)
  const resources = z.object({ resources: Named }).parse(inspect(door, 'resources/list')).resources.length
  const prompts = z.object({ prompts: Named }).parse(inspect(door, 'prompts/list')).prompts.length
  if (tools.length < 13 || !tools.includes('propose_change') || resources === 0 || prompts === 0)
    throw new Error(`${door}: ${tools.join(', ')}; ${resources} resources, ${prompts} prompts`)
  Called.parse(inspect(door, 'tools/call', '--tool-name', 'overview'))
  const [{ text }] = Refused.parse(
    inspect(door, 'tools/call', '--tool-name', 'show_job', '--tool-arg', 'id=12345'),
  ).content
  if (!text.includes('not_found')) throw new Error(`${door}: ${text}`)
  console.log(`inspector ${version} by ${door}: ${tools.length} tools, ${resources} resources, ${prompts} prompts: ok`)
}

/** Runs the inspector once. Returns what it printed; a tool that refuses is printed, too, and its exit code is 5. */
function inspect(door: string, method: string, ...argv: string[]): unknown {
  const program = join(folder, 'node_modules', inspector, 'clients/launcher/build/index.js')
  const asked = ['--cli', '--config', join(folder, 'mcp.json'), '--server', door, '--method', method, ...argv]
  const { stdout, stderr } = spawnSync(usedOf(engineNode) ?? process.execPath, [program, ...asked], {
    // It keeps the secrets of its configuration where it is not told to keep none.
    env: { PATH: process.env.PATH, HOME: folder, MCP_INSPECTOR_SECRET_STORE: 'memory' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (stdout === '') throw new Error(`${door}, ${method}: ${stderr}`)
  return JSON.parse(stdout)
}
