import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertIncident } from '../../server/demo/incident.ts'
import { insertSampleJobs } from '../../server/demo/sample-jobs.ts'
import { type Kind, newFolder } from '../support/database/database.ts'
import { type Block, blocksOf, isGenerated, pages } from '../support/docs.ts'
import { untilKept } from '../support/observe/history.ts'
import { built } from '../support/programs/built.ts'
import { shell } from '../support/programs/shell.ts'
import { openWorld, type World } from '../support/world.ts'

/**
 * Runs the blocks of every page against a real server with the sample jobs, in their order. A block that cannot be run says
 * `# not tested: <why>` in its first line, where a reader sees it; these are the only reasons.
 */
const reasons: Record<string, string> = {
  'runs until it is stopped':
    'a server or a worker: test/slow/servers/server-process.test.ts and test/server/work run them',
  'takes the whole terminal': 'test/cli/commands/read/top.test.ts presses its keys at a terminal',
  'starts all of this again': 'the tests and the demo, which CI runs on a fresh clone',
  'asks a person': 'test/cli/commands/setup/login.test.ts types the answer',
  'changes this machine': 'an installation outside of the folder of the tests',
  'needs a second PostgreSQL':
    'a replica, a failover or a restored backup: test/slow/database/copies and the campaign failover have them',
  'needs a cluster of many databases': 'test/slow/direct/databases.test.ts makes one',
  'needs a proxy': 'test/cli/calls/proxy.test.ts calls through one',
  'needs the tables of an engine': 'test/engines calls the same beside the real engines and their workers',
  'needs PgBouncer': 'test/slow/database/connections/pooler.test.ts runs servers behind it, where it is installed',
}

/** Languages of blocks that a reader types; the other ones show output, a config or a diagram. */
const typed = ['console', 'bash', 'sql', 'cron']

const written = pages.filter((page) => !isGenerated(page))
const all = written.flatMap(blocksOf)

it('every block that is not run says why, for a reason that the tests know', () => {
  const given = all.flatMap(({ untested }) => untested ?? [])
  expect(given.filter((why) => !(why in reasons))).toEqual([])
  expect(Object.keys(reasons).filter((why) => !given.includes(why))).toEqual([])
})

it('every block names its language, and none that is typed passes for text', () => {
  const known = [...typed, 'text', 'ini', 'json', 'mermaid', 'js', 'ts', 'yaml']
  expect(all.filter(({ language }) => !known.includes(language))).toEqual([])
  const shown = all.filter(({ language, text }) => !typed.includes(language) && /^\$ /m.test(text))
  expect(shown).toEqual([])
})

it('every block of console has a command behind a `$`: another line is what is printed, and runs nothing', () => {
  const without = all.filter(({ language, text }) => language === 'console' && !/^\$ /m.test(text))
  expect(without).toEqual([])
})

const runnable = written.filter((page) =>
  blocksOf(page).some(({ language, untested }) => typed.includes(language) && untested === undefined),
)

/** The first pages of a reader, who has an embedded database then. On PostgreSQL a server starts in a fraction of the time. */
const kindOf = (page: string): Kind => (['README.md', 'docs/tutorial.md'].includes(page) ? 'embedded' : 'postgres')

/** The page whose commands go past the server, which no variable may name then. */
const withoutServer = 'docs/operate/direct.md'

/** Pages about several people: plans need a second one. */
const ofPeople = ['docs/operate/plans.md', 'docs/operate/agents.md']
const modeOf = (page: string) => (ofPeople.includes(page) ? 'multi_user' : 'single_user')

describe.each(runnable)('%s', (page) => {
  let world: World
  let place: Place
  beforeAll(async () => {
    world = await openWorld(kindOf(page), { SINGLE_USER_API_KEY: '', AUTH_MODE: modeOf(page) })
    await insertSampleJobs(world.sql)
    // The server of a reader has run for a while.
    await untilKept(world)
    if (page === 'docs/tutorial.md') await insertIncident(world.sql)
    place = await placeOf(world, page)
  })
  afterAll(() => world?.stop())

  it('shows commands that do what the page says', { timeout: 300_000 }, async () => {
    const blocks = blocksOf(page).filter(({ untested }) => untested === undefined)
    for (const block of blocks) await run(block, { world, place })
  })
})

/** Where the commands of a page run. */
interface Place {
  folder: string
  env: Record<string, string>
  /** Lines such as `export A=b` that the commands of the page depend on. */
  setup: string[]
}

/** A folder with the data of the server below, both programs on the path, and a profile for lines of cron. */
async function placeOf({ url, env: { JOBS_DATA_DIR: data = '', JOBS_DB_URL } }: World, page: string): Promise<Place> {
  const folder = await newFolder('page')
  const bin = join(folder, 'bin')
  const config = join(folder, 'jobsctl')
  await Promise.all([mkdir(bin), mkdir(config), symlink(data, join(folder, 'jobs-data'))])
  for (const [name, program] of Object.entries({ jobsctl: built.jobsctl, 'jobs-server': built.server })) {
    await writeProgram(join(bin, name), `exec "${process.execPath}" "${program}" "$@"`)
  }
  const isSingle = modeOf(page) === 'single_user'
  const key = isSingle ? (await readFile(join(data, 'api-key'), 'utf8')).trim() : ''
  const profile = { url, api_key_file: join(data, 'api-key') }
  await writeFile(join(config, 'config.json'), JSON.stringify({ profiles: { prod: profile } }), { mode: 0o600 })
  const printed = { JOBSCTL_OUTPUT: 'table', JOBSCTL_RETRIES: '5' }
  const server = { BASE: url, API_KEY: key, JOBSCTL_URL: url }
  const target = page === withoutServer ? { DATABASE_URL: JOBS_DB_URL ?? '', ...printed } : { ...server, ...printed }
  return {
    folder,
    setup: exportsOf(page),
    env: {
      ...target,
      // A page that shows where the key comes from must be right about it.
      ...(key && !exportsOf(page).some((line) => line.includes('API_KEY')) && { JOBSCTL_API_KEY: key }),
      ...(JOBS_DB_URL && { JOBS_DB_URL }),
      JOBS_DATA_DIR: data,
      PATH: `${bin}:${process.env.PATH}`,
      XDG_CONFIG_HOME: folder,
    },
  }
}

async function writeProgram(path: string, line: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${line}\n`)
  await chmod(path, 0o755)
}

interface Scene {
  world: World
  place: Place
}

async function run(block: Block, scene: Scene): Promise<void> {
  if (block.language === 'console') return runConsole(block, scene)
  if (block.language === 'bash') return runScript(block, scene)
  if (block.language === 'cron') return runCron(block, scene)
  if (block.language === 'sql') return runSql(block, scene)
}

const isExport = /^export /

/** The lines such as `export A=b` of a page: a reader has typed them before the other commands. */
const exportsOf = (page: string): string[] =>
  blocksOf(page).flatMap(({ text }) => [...text.matchAll(/^\$ (export .*)$/gm)].map(([, line = '']) => line))

/** `$ command   # exit 3`, and below it some of the lines that it prints. */
async function runConsole({ text }: Block, { place }: Scene): Promise<void> {
  for (const part of text.split(/^\$ /m).slice(1)) {
    const [line = '', ...shown] = part.split('\n')
    const [, command = '', code = '0'] = /^(.*?)(?:\s+# exit (\d+))?$/.exec(line) ?? []
    if (isExport.test(command)) continue
    const ran = await shell([`cd ${place.folder}`, ...place.setup, command].join('\n'), { env: place.env })
    expect({ command, code: ran.code }, ran.err).toEqual({ command, code: Number(code) })
    expectShown({ command, shown, output: `${ran.out}\n${ran.err}` })
  }
}

interface Shown {
  command: string
  shown: string[]
  output: string
}

/** Each line that is shown was printed, in this order; `…` stands for any lines, and numbers and times may differ. */
function expectShown({ command, shown, output }: Shown): void {
  const lines = output.split('\n').map(withoutNumbers)
  for (const line of shown.filter((line) => line.trim() !== '' && line !== '…')) {
    const at = lines.findIndex((printed) => printed.startsWith(withoutNumbers(line)))
    expect({ command, line, found: at >= 0 }, output).toEqual({ command, line, found: true })
    lines.splice(0, at + 1)
  }
}

const withoutNumbers = (line: string): string =>
  line
    .replaceAll('just now', '0s ago')
    .replaceAll(/\d[\d,.:-]*\d|\d/g, '0')
    .replaceAll(/\s+/g, ' ')
    .trim()

/** A whole script; a stream is read for two seconds, and must have printed something by then. */
async function runScript({ text }: Block, { place }: Scene): Promise<void> {
  const streams = text.includes('/stream')
  const curl = `curl() { command curl -sS --fail-with-body ${streams ? '--max-time 2 ' : ''}"$@"; }`
  const script = join(place.folder, 'script')
  await writeFile(script, `set -euo pipefail\n${curl}\n${text}`)
  const ran = await shell(`cd ${place.folder} && exec bash --norc ${script}`, { env: place.env })
  if (streams) return expect(ran.out).toMatch(/^(id|data): \S/m)
  expect({ text, code: ran.code, err: ran.err }).toEqual({ text, code: 0, err: '' })
}

/** Five fields of time, and a command. What it does on failure is left out, so that the exit code is its own. */
async function runCron({ text }: Block, { place }: Scene): Promise<void> {
  for (const line of text.split('\n').filter((line) => /^[\d*]/.test(line))) {
    const command = line
      .split(/\s+/)
      .slice(5)
      .join(' ')
      .replace(/ \|\| .*$/, '')
    const { JOBSCTL_URL: _, JOBSCTL_OUTPUT: __, ...env } = place.env
    const ran = await shell(command, { env })
    const code = command.includes('--detailed-exitcode') ? expect.toBeOneOf([0, 10]) : 0
    expect({ command, code: ran.code }, ran.err).toEqual({ command, code })
  }
}

/** In a transaction that is rolled back: roles belong to all databases. */
async function runSql({ text }: Block, { world }: Scene): Promise<void> {
  const undone = new Error('rolled back')
  const work = world.sql.begin(async (tx) => {
    await tx.unsafe(text)
    throw undone
  })
  await expect(work, text).rejects.toBe(undone)
}
