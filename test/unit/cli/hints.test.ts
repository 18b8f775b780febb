import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { topicNames } from '../../../cli/commands/help/topics.ts'
import { globalFlags, guardFlags } from '../../../cli/settings/flags/global-flags.ts'
import { withTarget } from '../../../cli/settings/flags/target-words.ts'
import { Env } from '../../../server/env/env.ts'
import { exits } from '../../../shared/exits.ts'
import { newFolder } from '../../support/database/database.ts'
import { deadServer } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

/** The text of each hint in the sources. */
async function hints(): Promise<string[]> {
  const files = await Promise.all(
    ['cli', 'server', 'shared'].map(async (folder) =>
      (await readdir(folder, { recursive: true }))
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    ),
  )
  const texts = await Promise.all(files.flat().map((file) => readFile(file, 'utf8')))
  return texts.flatMap((text) =>
    [...text.matchAll(/\bhint: ?\n?\s*(?:[^'"`\n]*\? ?)?('[^'\n]*'|`[^`]*`|"[^"\n]*")/g)].map(([, quoted = '']) =>
      quoted.slice(1, -1),
    ),
  )
}

/** Words behind the name of the program in a sentence about it. */
const prose = ['first', 'with']

const flagsOf = (flags: readonly { flags: string }[]) => flags.flatMap(({ flags }) => flags.match(/--[a-z-]+/g) ?? [])

it('each command in a hint is a command of jobsctl with flags that it takes', async () => {
  const words = commands.map(({ name }) => name).join('|')
  const mentioned = (await hints()).flatMap((hint) =>
    [...hint.matchAll(/\bjobsctl ((?:--)?[a-z]+)([^;,`]*)/g)].map(([whole, verb = '', rest = '']) => ({
      whole,
      verb,
      rest,
    })),
  )
  expect(mentioned.length).toBeGreaterThan(20)
  const wrong = mentioned.filter(({ verb, rest }) => {
    if (verb === '--help' || prose.includes(verb)) return false
    const command = commands.find(({ name }) => name === verb)
    if (!command) return true
    const taken = [...flagsOf(command.flags), ...flagsOf(globalFlags), ...flagsOf(guardFlags), '--help']
    if (verb === 'help' && !new RegExp(`^ (commands|\\$|${topicNames.join('|')}|${words})`).test(rest)) return true
    return (rest.match(/(?<= )--[a-z-]+/g) ?? []).some((flag) => !taken.includes(flag))
  })
  expect(wrong).toEqual([])
})

/** The commands in the sources of the dashboard that are texts: a value that the page knows is the number 1. */
async function commandsOfScreens(): Promise<string[][]> {
  const files = (await readdir('ui', { recursive: true })).filter((name) => /\.tsx?$/.test(name))
  const texts = await Promise.all(files.map((name) => readFile(join('ui', name), 'utf8')))
  return texts.flatMap((text) => [
    ...[...text.matchAll(/\['jobsctl', ('[a-z]+'[^\]]*)\]/g)].map(([, list = '']) =>
      list
        .split(', ')
        .filter((word) => !word.startsWith('...'))
        .map((word) => /^'(.*)'$/.exec(word)?.[1] ?? '1'),
    ),
    ...[...text.matchAll(/<code>jobsctl ([^<{]+)<\/code>/g)].map(([, line = '']) =>
      [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
    ),
  ])
}

it('each command on a screen of the dashboard lacks nothing but a server', async () => {
  const { url } = await deadServer()
  const found = await commandsOfScreens()
  expect(found.length).toBeGreaterThan(8)
  const env = { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key', JOBSCTL_RETRIES: '0' }
  const policy = join(await newFolder('policy'), 'policy.yaml')
  await writeFile(policy, 'rules: {}\n')
  for (const words of found) {
    const typed = words.map((word) => (word === 'policy.yaml' ? policy : word))
    const { code, err } = await runJobsctl(typed, { env })
    expect([exits.unavailable.code, exits.not_confirmed.code], `${words.join(' ')}: ${err}`).toContain(code)
  }
})

it('each setting and page in a hint exists', async () => {
  const texts = await hints()
  const settings = texts.flatMap((text) => text.match(/\bJOBS_[A-Z_]+/g) ?? [])
  expect(settings.filter((name) => !Object.hasOwn(Env.shape, name))).toEqual([])
  const pages = texts.flatMap((text) => text.match(/\bdocs\/[a-z/-]+\.md/g) ?? [])
  expect(pages.length).toBeGreaterThan(0)
  for (const page of pages) expect(await readFile(page, 'utf8')).not.toBe('')
})

it('every command that calls a server keeps the target of a hint', () => {
  const flags = { url: 'http://a.example' }
  const withoutServer = ['help', 'completion', 'man', 'config', 'login', 'server']
  const ofOtherPeople = ['approve', 'reject', 'apply']
  const lost = commands
    .map(({ name }) => name)
    .filter((name) => ![...withoutServer, ...ofOtherPeople].includes(name))
    .filter((name) => withTarget(`jobsctl ${name} mail`, flags) !== `jobsctl --url http://a.example ${name} mail`)
  expect(lost).toEqual([])
})
