import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newFolder } from '../support/database/database.ts'
import { fakeServer } from '../support/fakes/fake-server.ts'
import { until } from '../support/poll.ts'
import { built } from '../support/programs/built.ts'
import { configHome } from '../support/programs/config-home.ts'
import { enter, startProgramAtTerminal, type Terminal } from '../support/programs/terminal.ts'

interface Shell {
  name: string
  /** How it starts without the settings of this machine. */
  words: string[]
  /** What a person types to load the completion. */
  load: string[]
}

const shells: Shell[] = [
  // The script is loaded twice, as by a person who reads ~/.bashrc again.
  { name: 'bash', words: ['bash', '--norc', '--noprofile', '-i'], load: ['source <(jobsctl completion bash)'] },
  {
    name: 'zsh',
    words: ['zsh', '-f', '-i'],
    load: ['autoload -Uz compinit; compinit -u -d zcompdump', 'source <(jobsctl completion zsh)'],
  },
  { name: 'fish', words: ['fish', '--no-config', '-i'], load: ['jobsctl completion fish | source'] },
]
const isInstalled = (name: string) => spawnSync(name, ['--version']).status === 0

const group = { job_type: 'export', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
/** Names that a shell would run, expand or cut. */
const odd = ['$(touch ran)', '`touch ran`', 'a b', "it's", 'semi;touch ran', '--yes', '~root', '\u001b[31mred', 'a\nb']
const groups = [
  { ...group, domain: 'chatbooks', queue: 'default' },
  { ...group, domain: 'media', queue: 'low:first' },
  ...odd.map((domain) => ({ ...group, domain, queue: domain })),
]
const operation = {
  ...{ id: 17, kind: 'prune', state: 'done', domain: 'media', queue: null, job_type: null, filters: {}, as_of: '' },
  ...{ caller: 'a', reason: null, request_id: null, idempotency_key: null, previewed: 1, affected: 1, skipped: 0 },
  ...{ skipped_locked: 0, batches: 1, counts: {}, error: null, started_at: '', ended_at: null, undoes: null },
  ...{ undone_by: null, hash: null },
}

/** A folder in which `jobsctl` completes, and prints its words instead of running them. */
async function placeWith(url: string) {
  const folder = await newFolder('shell')
  const { env } = await configHome({ profiles: { prod: { url: 'http://127.0.0.1:1' } } })
  await mkdir(join(folder, 'bin'))
  const program = join(folder, 'bin', 'jobsctl')
  await writeFile(
    program,
    `#!/bin/sh
if [ "$1" = completion ]; then exec '${process.execPath}' '${built.jobsctl}' "$@"; fi
printf RAN
printf '<%s>' "$@"
echo
`,
  )
  await chmod(program, 0o755)
  await writeFile(join(folder, 'plan.json'), '{}')
  await writeFile(join(folder, 'keep.txt'), 'precious')
  const path = `${join(folder, 'bin')}:${process.env.PATH}`
  return { folder, env: { ...env, PATH: path, JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key-of-the-test' } }
}

async function startShell({ words, load }: Shell, url: string): Promise<{ shell: Terminal; folder: string }> {
  const place = await placeWith(url)
  const shell = await startProgramAtTerminal(words, place)
  onTestFinished(shell.close)
  for (const line of [...load, ...load]) shell.types(`${line}${enter}`)
  shell.types(`jobsctl loaded${enter}`)
  await shell.sees('RAN<loaded>')
  return { shell, folder: place.folder }
}

/** Lines that do harm when a word of them is evaluated, or a name that the server sent. */
const dangerous = [
  'list --domain \t',
  'list --domain $(touch ran) --doma',
  "list --error 'a; touch ran' --doma",
  'list > keep.txt --doma',
  'list --domain "`touch ran`" --qu',
  "list --error 'open ",
]

/** What a person types before Tab, and the words that jobsctl is started with after Enter. */
const lines: [typed: string, ran: string][] = [
  ['doct', '<doctor>'],
  ['prune --older', '<prune><--older-than>'],
  ['list --domain chat', '<list><--domain><chatbooks>'],
  ['list --domain=chat', '<list><--domain=chatbooks>'],
  ['--domain chat', '<--domain><chatbooks>'],
  ['list --domain media --queue lo', '<list><--domain><media><--queue><low:first>'],
  ['list --queue low:', '<list><--queue><low:first>'],
  ['list --queue=low:f', '<list><--queue=low:first>'],
  ["list --domain 'chat", '<list><--domain><chatbooks>'],
  ["list --error 'a  b' --job-type exp", '<list><--error><a  b><--job-type><export>'],
  ['pause chat', '<pause><chatbooks/default>'],
  ['drain media/low:', '<drain><media/low:first>'],
  ['prune --profile pr', '<prune><--profile><prod>'],
  ['undo 1', '<undo><17>'],
  ['prune --status failed,quar', '<prune><--status><failed,quarantined>'],
  ['apply pla', '<apply><plan.json>'],
  ['list --api-key-file=pla', '<list><--api-key-file=plan.json>'],
  ['help exit', '<help><exit-codes>'],
]

/** Tab and Enter, again where a busy machine took longer than a person waits for the names of a server. */
async function completes(person: Terminal, typed: string, ran: string): Promise<void> {
  await until(`${typed} is completed to ${ran}`, async () => {
    const runs = () => person.screen().split('RAN<').length
    const before = runs()
    person.types(`jobsctl ${typed}\t${enter}`)
    await until('the line is run', () => runs() > before)
    return person.screen().includes(`RAN${ran}\n`)
  })
}

for (const shell of shells) {
  const installed = isInstalled(shell.name)
  describe.skipIf(!installed)(`in ${shell.name}${installed ? '' : ', which is not installed'}`, () => {
    it('Tab completes commands, flags and their values, with the names of the server', async () => {
      const server = await fakeServer(({ path }) => ({ body: path.includes('operations') ? [operation] : groups }))
      const { shell: person } = await startShell(shell, server.url)
      for (const [typed, ran] of lines) await completes(person, typed, ran)
    })

    it('neither the names of a server nor the words of the line are run', async () => {
      const server = await fakeServer(() => ({ body: groups }))
      const { shell: person, folder } = await startShell(shell, server.url)
      for (const [at, typed] of dangerous.entries()) {
        // The mark is shown after the shell is done with Tab.
        person.types(`jobsctl ${typed}\tmark${at}`)
        await person.sees(`mark${at}`)
        person.types('\u0015')
      }
      person.types(`jobsctl end${enter}`)
      await person.sees('RAN<end>')
      expect(await readdir(folder)).not.toContain('ran')
      expect(await readFile(join(folder, 'keep.txt'), 'utf8')).toBe('precious')
    })

    it.each(['silence', 'reset'] as const)(
      'a server with %s for an answer costs a second, and no word',
      async (answer) => {
        const server = await fakeServer(() => answer)
        const { shell: person } = await startShell(shell, server.url)
        const start = performance.now()
        person.types(`jobsctl list --domain none\t${enter}`)
        await person.sees('RAN<list><--domain><none>')
        expect(performance.now() - start).toBeLessThan(10_000)
        expect(server.requests.length).toBeGreaterThan(0)
        person.types(`exit${enter}`)
        expect((await person.ended).screen).not.toMatch(/error|hint/)
      },
    )
  })
}
