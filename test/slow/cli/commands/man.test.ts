import { spawnSync } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commands } from '../../../../cli/commands/all.ts'
import { commandPage } from '../../../../cli/commands/help/man-page.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'

/** What a formatter prints of a page, and its warnings. A page has no date, since a build has none. */
function formatted(words: string[], page: string): { text: string; warnings: string } {
  const [program = '', ...args] = words
  const { stdout, stderr } = spawnSync(program, args, {
    input: page,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  const lines = `${stderr}${words.includes('-Tlint') ? stdout : ''}`.split('\n')
  return { text: stdout, warnings: lines.filter((line) => !line.includes('missing date')).join('\n') }
}
const isInstalled = (name: string) => spawnSync(name, ['-V']).error === undefined

const formatters = [
  { name: 'groff', words: ['groff', '-man', '-Tutf8', '-ww', '-P-cbou', '-rLL=200n'] },
  { name: 'mandoc', words: ['mandoc', '-Tlint', '-Wwarning'] },
]

describe('man', () => {
  for (const { name, words } of formatters) {
    const installed = isInstalled(name)
    it.skipIf(!installed)(`${name} has nothing to warn of${installed ? '' : ' (not installed)'}`, async () => {
      for (const argv of [['man'], ...commands.map((command) => ['man', command.name])]) {
        const { code, out } = await runJobsctl(argv)
        expect(code).toBe(0)
        const { text, warnings } = formatted(words, out)
        expect({ argv, warnings }).toEqual({ argv, warnings: '' })
        if (name === 'mandoc') continue
        for (const flag of commands.find((command) => command.name === argv[1])?.flags ?? []) {
          expect(text).toContain(flag.flags)
        }
      }
    })
  }

  it.skipIf(!isInstalled('groff'))('a text with signs of roff is printed as it is', () => {
    const odd = { name: 'odd', group: 'READ' as const, summary: 's', flags: [] }
    const page = commandPage({
      ...odd,
      about: 'a\\fBb -- c',
      examples: ['.so /etc/passwd', "'tis \\n(yr", 'jobsctl list -o "x"'],
    })
    const { text, warnings } = formatted(['groff', '-man', '-Tutf8', '-ww', '-P-cbou'], page)
    expect(warnings).toBe('')
    for (const line of ['a\\fBb -- c', '.so /etc/passwd', "'tis \\n(yr", 'jobsctl list -o "x"'])
      expect(text).toContain(line)
  })

  it('the build has the pages that package.json names', async () => {
    await import('../../../support/programs/built.ts')
    const { man }: { man: string[] } = JSON.parse(await readFile('package.json', 'utf8'))
    expect(man).toHaveLength(commands.length + 1)
    for (const path of man) await access(path)
    expect(await readFile('dist/man/jobsctl-prune.1', 'utf8')).toBe((await runJobsctl(['man', 'prune'])).out)
  })

  it('an unknown command is refused', async () => {
    expect(await runJobsctl(['man', 'nothing'])).toMatchObject({ code: 2, out: '' })
  })
})
