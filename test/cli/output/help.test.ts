import { describe, expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { version } from '../../../shared/version.ts'
import { exampleWords } from '../../support/programs/examples.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const topics = [
  'commands',
  'exit-codes',
  'flags',
  'filter',
  'times',
  'environment',
  'config',
  'output',
  'cron',
  'which',
]

describe('help', () => {
  it.each(commands.map(({ name }) => name))('of %s: a sentence, examples first, under 40 lines', async (name) => {
    const [flag, short, word] = await Promise.all([
      runJobsctl([name, '--help']),
      runJobsctl(['-h', name]),
      runJobsctl(['help', name]),
    ])
    expect(flag).toMatchObject({ code: 0, err: '' })
    expect(short).toEqual(flag)
    const topic = topics.includes(name) ? word.out.slice(0, -flag.out.length) : ''
    expect(word).toEqual({ ...flag, out: topic + flag.out })
    expect(topic !== '').toBe(topics.includes(name))
    expect(flag.out).toMatchSnapshot()

    const lines = flag.out.trimEnd().split('\n')
    expect(lines.length).toBeLessThan(40)
    expect(lines.slice(lines.indexOf('')).slice(0, 2)).toEqual(['', 'EXAMPLES'])
    expect(flag.out).toMatch(name === 'help' ? /jobsctl help exit-codes/ : /jobsctl help exit-codes\n$/)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  /** These go on, or need a terminal, a database or the home folder. */
  const apart = /^(?:config|completion|login|man|mcp|server|top|ui)\b|--watch|--follow|^edit \d+$/
  const lines = commands
    .flatMap(({ examples }) => examples)
    .map((line) => ({ line, words: exampleWords(line) ?? [] }))
    .filter(({ words }) => words.length > 0 && !apart.test(words.join(' ')))

  it.each(lines)('has an example that jobsctl takes: $line', async ({ words }) => {
    const env = { JOBSCTL_URL: 'http://127.0.0.1:1', JOBSCTL_API_KEY: 'key-of-the-examples', JOBSCTL_RETRIES: '0' }
    // The server is away, of which only a line that jobsctl takes can know.
    expect(await runJobsctl(words, { env })).toMatchObject({ code: expect.toBeOneOf([0, 5, 7]) })
  })

  it('of the program: the commands by groups, under 40 lines, ends with where the exit codes are', async () => {
    const [flag, word] = await Promise.all([runJobsctl(['--help']), runJobsctl(['help'])])
    expect(flag).toMatchObject({ code: 0, err: '' })
    expect(word).toEqual(flag)
    expect(flag.out).toMatchSnapshot()
    expect(flag.out.split('\n').length).toBeLessThan(40)
    expect(flag.out).toMatch(/jobsctl help exit-codes\n$/)
  })

  it.each(topics)('on %s', async (topic) => {
    const run = await runJobsctl(['help', topic])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toMatchSnapshot()
  })

  it('needs no key, no config and no server, and works beside other flags', async () => {
    const env = { JOBSCTL_URL: 'nonsense', JOBSCTL_MAX: 'x', XDG_CONFIG_HOME: '/dev/null' }
    const run = await runJobsctl(['prune', '--domain', 'a', '--help', '--yes'], { env })
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining('EXAMPLES'), err: '' })
  })

  it('--version prints the version', async () => {
    const runs = await Promise.all([runJobsctl(['--version']), runJobsctl(['-V'])])
    expect(runs).toEqual(Array(2).fill({ code: 0, out: `${version}\n`, err: '' }))
  })
})
