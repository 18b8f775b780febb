import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { exits } from '../../../shared/exits.ts'
import { changes, threeEach } from '../../support/changes/changes.ts'
import { anyText } from '../../support/hostile/any-text.ts'
import { openWorld, type World } from '../../support/world.ts'

const [prune, sweep] = [
  ['prune', '--all'],
  ['sweep', '--all'],
]

/** Command lines that a tired person or a broken script types, with the word that the error must name. */
const bad: [string[], string][] = [
  // Blank scopes: a variable that a script forgot to set.
  [['prune', '--domain', ''], '--domain'],
  [['prune', '--domain='], '--domain'],
  [['prune', '--domain', '   '], '--domain'],
  [['sweep', '--queue', '', '--age', '1d'], '--queue'],
  [['requeue', '--job-type', '\t'], '--job-type'],
  [['requeue', '--domain', 'media', '--queue', ''], '--queue'],
  [['integrity', '--fix', '--domain', ''], '--domain'],
  [['integrity', '--domain', ''], '--domain'],
  [['stats', '--domain', ''], '--domain'],
  [['prune', '--domain', 'a\nb'], '--domain'],
  [['prune', '--domain', 'a\u001b[31mb'], '--domain'],
  [['prune', '--domain', 'x'.repeat(129)], '--domain'],
  // No scope, two scopes.
  [['prune'], 'scope'],
  [['sweep', '--age', '1d'], 'scope'],
  [['requeue'], 'scope'],
  [['integrity', '--fix'], 'scope'],
  [[...prune, '--domain', 'chatbooks'], '--domain'],
  [['requeue', '5', '--domain', 'mail'], 'ids and a scope'],
  [['requeue', '5', '--all'], 'ids and a scope'],
  [['requeue', '5', '--queue', 'default'], 'ids and a scope'],
  [['requeue', '5', '--curl'], '--curl and ids exclude each other'],
  // Flags and commands that do not exist.
  [['prnue', '--all'], 'prnue'],
  [['PRUNE', '--all'], 'PRUNE'],
  [['prune', '--al'], '--al'],
  [['prune', '--All'], '--All'],
  [['prune', '--domian', 'chatbooks'], '--domian'],
  [['prune', '--force', '--all'], '--force'],
  [['prune', '-x', '--all'], '-x'],
  [['prune', '—all'], 'argument'],
  [['stats', '--older-than', '30d'], '--older-than'],
  [['stats', '--fix'], '--fix'],
  [['prune', '--age', '1d', '--all'], '--age'],
  [['stats', 'chatbooks'], 'argument'],
  [['prune', 'chatbooks'], 'argument'],
  [['prune', '--all', '--', '--domain', 'chatbooks'], 'argument'],
  [['help', 'nothing'], 'nothing'],
  [['help', 'constructor'], 'constructor'],
  [[''], 'unknown command'],
  [['🙃'], '🙃'],
  [['stats\u001b[2J'], '\\x1b[2J'],
  // Flags without their value, or with another flag in its place.
  [['prune', '--domain'], '--domain'],
  [['prune', '--domain', '--all'], '--domain'],
  [['prune', '--all', '--older-than'], '--older-than'],
  [['prune', '--all', '--older-than', '--dry-run'], '--older-than'],
  [['prune', '--all', '--max'], '--max'],
  [['stats', '--url'], '--url'],
  [['stats', '--output'], '--output'],
  [['prune', '--all=yes'], '--all'],
  // Flags that are given twice.
  [['prune', '--domain', 'chatbooks', '--domain', 'media'], '--domain'],
  [[...prune, '--max', '1', '--max', '1000'], '--max'],
  [[...prune, '--older-than', '30d', '--older-than=1d'], '--older-than'],
  [['stats', '-o', 'table', '--output', 'tsv'], '--output'],
  [['stats', '-otable', '-o', 'tsv'], '-o'],
  [['-qpa', 'stats', '-p', 'b'], '-p'],
  // Durations.
  ...['36h', '0d', '-1d', '1.5d', '30', '9999d', '30 days', '30D', '٣d', '0x1d'].map((text): [string[], string] => [
    [...prune, `--older-than=${text}`],
    '--older-than',
  ]),
  ...['0', '1.5h', '1y', '99999999999999999999w'].map((text): [string[], string] => [
    [...sweep, `--age=${text}`],
    '--age',
  ]),
  [[...sweep, '--runtime=2hours'], '--runtime'],
  [sweep, '--age'],
  [[...sweep, '--age', '1d', '--action', 'delete'], '--action'],
  [['stats', '--timeout', '0'], '--timeout'],
  [['stats', '--timeout', '1.5'], '--timeout'],
  // Numbers.
  ...['0', '-1', 'x', '1e3', '', '9007199254740993'].map((text): [string[], string] => [
    [...prune, `--max=${text}`],
    '--max',
  ]),
  [['stats', '--retries', '-1'], '--retries'],
  [['stats', '--retries', 'many'], '--retries'],
  ...['0', '-5', '1.5', '5x', '9007199254740993', '', '٥'].map((id): [string[], string] => [
    ['requeue', '--', id],
    'job id',
  ]),
  // Statuses.
  [[...prune, '--status', 'queued'], 'live work'],
  [[...prune, '--status', 'completed,processing'], 'live work'],
  [[...prune, '--status', 'done'], '--status'],
  [[...prune, '--status', ''], '--status'],
  [[...prune, '--status', ','], '--status'],
  // Queues and jobs that are named, and what only a preview gives a meaning.
  [['pause'], '<domain>/<queue>'],
  [['pause', 'media/'], '<domain>/<queue>'],
  [['resume', '/ingest'], '<domain>/<queue>'],
  [['drain', 'media/a\u001b[31mb'], '--queue'],
  [['pause', 'media/ingest', 'media/other'], 'argument'],
  [['pause', 'media/ingest', '--dry-run'], '--dry-run'],
  [['drain', 'media/ingest', '--yes', '--max', '1'], '--max'],
  [['enqueue', 'media/ingest'], '--job-type'],
  [['enqueue', 'media/ingest', '--job-type', 'a', '-n'], '--dry-run'],
  [['enqueue', 'media/ingest', '--job-type', 'a', '--payload', '7'], '--payload'],
  [['enqueue', 'media/ingest', '--job-type', 'a', '--priority', '0'], '--priority'],
  [['queues', 'media/ingest'], 'argument'],
  [['events', '--after', '1', '--since', '1h'], '--after'],
  [['events', '--limit', '-1'], '--limit'],
  [['events', '--since', '1y'], '--since'],
  // What excludes each other.
  [['stats', '-o', 'xml'], '--output'],
  [['stats', '-o', ''], '-o'],
  [['stats', '--color', 'red'], '--color'],
  [['stats', '--watch'], '--watch'],
  [[...prune, '--dry-run', '--yes'], '--dry-run'],
  [[...prune, '--no-preview'], '--no-preview'],
  [[...prune, '--detailed-exitcode'], '--detailed-exitcode'],
  [['integrity', '--all', '--yes'], '--fix'],
  [[...prune, '--yes', '--no-preview', '--max', '5'], '--no-preview'],
  [[...prune, `--reason=${'x'.repeat(501)}`], '--reason'],
]

describe('jobsctl and bad command lines', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await threeEach(world)
  })
  afterAll(() => world?.stop())

  /** At most so many processes at once: more are slower. */
  async function inTurns<In, Out>(items: In[], run: (item: In) => Promise<Out>): Promise<Out[]> {
    const results: Out[] = []
    for (let at = 0; at < items.length; at += 8) results.push(...(await Promise.all(items.slice(at, at + 8).map(run))))
    return results
  }

  it('exits 2 with one clear error that names the flag, prints no data, and changes nothing', async () => {
    const before = await world.fingerprint()
    const runs = await inTurns(bad, async ([argv, named]) => ({ argv, named, ...(await world.jobsctl(argv)) }))

    expect(bad.length).toBeGreaterThan(60)
    expect(runs.filter(({ code, out }) => code !== 2 || out !== '')).toEqual([])
    expect(runs.filter(({ err }) => !err.startsWith('error: ') || err.split('error:').length !== 2)).toEqual([])
    expect(runs.filter(({ err, named }) => !err.includes(named))).toEqual([])
    expect(
      runs.filter(({ err }) => err.split('\n').length > 4 || err.includes('\n    at ') || err.includes('\u001b')),
    ).toEqual([])
    expect(await world.fingerprint()).toBe(before)
  })

  it('tells a program as JSON, even where the command line cannot be read', async () => {
    const lines = [
      ['stats', '--json', '--ndjson'],
      ['stats', '--json', '-o', 'table'],
      ['stats', '--json', '--bogus'],
      ['stats', '-o', 'json', '--domain'],
      ['--output=json', 'prnue'],
      ['-ojson', 'prune', '--max', '5', '--max', '6'],
      ['--output', 'ndjson', 'prune', '--all', '--older-than', '1h'],
      ['requeue', 'x', '--json'],
      ['events', '--follow', '--json'],
    ]
    const runs = await inTurns(lines, (argv) => world.jobsctl(argv))
    expect(runs.map(({ code, out }) => `${code}${out}`)).toEqual(Array(lines.length).fill('2'))
    for (const { err } of runs) {
      const { error }: { error: unknown } = JSON.parse(err)
      expect(error).toMatchObject({ code: 'usage', exit: 2, detail: expect.any(String) })
    }
  })

  it('would have made the change, had --yes been all that was missing', async () => {
    const runs = await inTurns([...changes], ({ argv }) => world.jobsctl([...argv, '--dry-run', '--detailed-exitcode']))
    expect(runs.map(({ code }) => code)).toEqual([10, 10, 10, 10])
  })

  it('takes flags before the verb, after it, and with an equals sign', async () => {
    const lines = [
      ['--domain', 'chatbooks', 'prune', '--dry-run'],
      ['-n', 'prune', '--domain=chatbooks'],
      ['--older-than', '30d', '--domain', 'chatbooks', '-n', 'prune'],
      ['-no', 'tsv', 'prune', '--domain', 'chatbooks'],
      ['prune', '-n', '-otsv', '--domain', 'chatbooks'],
      ['--url', world.url, '--dry-run', 'prune', '--domain', ' chatbooks '],
    ]
    const runs = await inTurns(lines, (argv) => world.jobsctl(argv))
    expect(runs).toEqual(Array(lines.length).fill({ code: 0, out: 'would delete 3 jobs in chatbooks\n', err: '' }))
  })

  it('takes a name that looks like a flag or a command for a name, when it is written so', async () => {
    const names = ['--all', '-y', 'prune', '$(reboot)', 'a;b', "it's", '日本語', '../../..', '%s%n', 'null']
    const runs = await inTurns(names, (name) => world.jobsctl(['prune', `--domain=${name}`, '--dry-run', '--json']))
    expect(runs.map(({ code }) => code)).toEqual(Array(names.length).fill(0))
    const notes = runs.map(({ err }) => err.replace(/; did you mean --domain (mail|maps)\?\n$/, '\n'))
    expect(notes).toEqual(names.map((name) => `note: no job was ever in ${name}\n`))
    expect(runs.map(({ out }): unknown => JSON.parse(out))).toMatchObject(
      names.map((domain) => ({ domain, affected: 0 })),
    )
  })

  it('never prints a stack trace, and always exits with a code that is documented', async () => {
    const documented = Object.values(exits).map(({ code }): number => code)
    const verbs = commands.map(({ name }) => name)
    const flags = [
      '--domain',
      '--queue',
      '--all',
      '--age',
      '--older-than',
      '--status',
      '--max',
      '-n',
      '--json',
      '--curl',
    ]
    const more = [
      '-o',
      'json',
      '-q',
      '--fix',
      '--action',
      '--retries',
      '--timeout',
      '--',
      '-',
      '--no-preview',
      '-V',
      '-h',
    ]
    const values = [
      '30d',
      '1',
      'chatbooks',
      '',
      'list',
      'exit-codes',
      '__proto__',
      '-1',
      '🙃',
      '\u001b[2J',
      '\ud800',
      '=',
    ]
    const word = fc.oneof(fc.constantFrom(...verbs, ...flags, ...more, ...values), anyText({ maxLength: 12 }))
    const sendable = word.map((text) => text.replaceAll('\0', ''))
    const line = fc
      .tuple(fc.constantFrom(...verbs, '--json', '-q'), fc.array(sendable, { maxLength: 6 }))
      .map((words) => words.flat())

    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 8, maxLength: 8 }), async (lines) => {
        const runs = await Promise.all(lines.map(async (argv) => ({ argv, ...(await world.jobsctl(argv)) })))
        const strange = runs.filter(({ code, out, err }) => {
          return !documented.includes(code ?? -1) || code === exits.failed.code || /^ {4}at /m.test(out + err)
        })
        expect(strange).toEqual([])
      }),
      { numRuns: 6, endOnFailure: true },
    )
  })
})
