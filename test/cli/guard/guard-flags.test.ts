import { expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { guardFlags } from '../../../cli/settings/flags/global-flags.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const passed = ['-y, --yes', '--reason <text>']
const refused = guardFlags.filter(({ flags }) => !passed.includes(flags))
// Port 9 takes no connections: a command that sends something ends with exit 7.
const env = { JOBSCTL_URL: 'http://127.0.0.1:9', JOBSCTL_API_KEY: 'key', JOBSCTL_RETRIES: '0' }
const run = (...argv: string[]) => runJobsctl(argv, { env })

/** `--max <n>` as its name and the words of a command line. */
const wordsOf = (spelling: string) => {
  const name = /--[\w-]+/.exec(spelling)?.[0] ?? ''
  return { name, words: spelling.includes('<') ? [name, name === '--until' ? '2h' : '5'] : [name] }
}

it.each(refused.map(({ flags }) => wordsOf(flags)))(
  '$name is refused by every command without a preview',
  async (flag) => {
    const { name, words } = flag
    const others = commands.filter(({ changes, flags }) => !changes && !flags.some((own) => own.flags.startsWith(name)))
    for (const command of others) {
      if (command.name === 'help') continue
      const operand = command.operands?.startsWith('<') ? ['media/ingest'] : []
      const { code, out, err } = await run(command.name, ...operand, ...words)
      expect({ command: command.name, code, out }).toEqual({ command: command.name, code: 2, out: '' })
      expect(err).toMatch(new RegExp(`^error: ${name}: ${command.name} .+; nothing was changed\n  hint: .+\n$`))
    }
  },
)

it.each([
  ['erase', ['--owner', 'alice'], ['--propose', '--reason', 'asked for']],
  ['erase', ['--owner', 'alice'], ['--dry-run', '--plan-out', 'plan.json']],
  ['apply', ['3'], ['--propose', '--reason', 'asked for']],
  ['apply', ['3'], ['--no-preview', '--yes']],
])('%s %j refuses %j, which its help leaves out, before it sends anything', async (name, words, flags) => {
  const { code, err } = await run(name, ...words, ...flags)
  const flag = flags.find((word) => ['--propose', '--plan-out', '--no-preview'].includes(word))
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(`^error: (${name} takes no )?${flag}`) })
})

it('what says no more than that nobody is asked passes: a script may give it to every command', async () => {
  expect(await run('stats', '--yes', '--reason', 'nightly')).toMatchObject({ code: 7 })
  expect(await run('pause', 'media/ingest', '--create', '--yes')).toMatchObject({ code: 7 })
})

it('policy lists the flags that it takes, and no other', async () => {
  const { out } = await run('policy', '--help')
  for (const name of ['--dry-run', '--yes', '--max', '--reason', '--propose', '--detailed-exitcode'])
    expect(out).toContain(name)
  for (const name of ['--plan-out', '--emergency', '--no-preview', '--rate', '--until', '--detach'])
    expect(out).not.toContain(name)
})

it('names what bounds a list', async () => {
  const { err } = await run('list', '--max', '5')
  expect(err).toBe('error: --max: list changes no jobs; nothing was changed\n  hint: --limit bounds what is listed\n')
})

it.each([['--yes'], ['--max', '5'], ['--detach'], ['--rate', '5'], ['--until', '2h'], ['--no-preview', '--yes']])(
  'integrity without --fix refuses %s',
  async (...words) => {
    const { code, err } = await run('integrity', '--all', ...words)
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('needs --fix') })
  },
)
