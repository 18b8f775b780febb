import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { refuseFlagsOfOthers } from '../guard/guard-flags.ts'
import { flagsIn } from '../settings/flags/flag.ts'

const words = ['check', 'simulate', 'diff', 'apply', 'show'] as const

export const policy: CommandSpec<{ last?: string }> = {
  name: 'policy',
  group: 'ADMIN',
  summary: 'prune and sweep at set times, by rules in a file',
  about:
    'The servers make the changes of a policy themselves, at the times of its rules, with the rights of the admin who applied it. check reads a file without a server. simulate shows what each rule would have taken on each of the last days, and what became of those jobs. diff compares it with what is applied. apply shows the differences and what the first runs would change now, asks, and replaces the policy; --dry-run only shows, and --propose plans it for the approval of a second person. show tells who applied it, and the next and the last run of each rule. A file with "rules: {}" ends the policy. An admin may apply one.',
  examples: [
    'jobsctl policy check policy.yaml',
    'jobsctl policy simulate policy.yaml --last 7d',
    'jobsctl policy diff policy.yaml --detailed-exitcode',
    'jobsctl policy apply policy.yaml --dry-run',
    'jobsctl policy apply policy.yaml --reason "retention of 2027" --yes',
    'jobsctl policy show',
  ],
  operands: `<${words.join('|')}> [file]`,
  flags: flagsIn('HOW', { '--last <duration>': 'for simulate: how many days, 1d to 31d (default: 7d)' }),
  changes: true,
  guardFlags: ['--dry-run', '--yes', '--max', '--reason', '--propose', '--detailed-exitcode'],
  rows: async ([word]) => {
    if (word === 'show') return (await import('./policy/show.ts')).columns
    if (word === 'check') return (await import('./policy/check.ts')).columns
    if (word === 'simulate') return (await import('./policy/simulate.ts')).columns
    return word === 'diff' ? (await import('./policy/differences.ts')).differenceColumns : undefined
  },
  async run(context, { last }, [word, file, ...more]) {
    if (!words.some((one) => one === word)) {
      throw new Failure('usage', `${word} is not one of ${words.join(', ')}`, { hint: 'jobsctl policy --help' })
    }
    const taken = { apply: ['--dry-run', '--max', '--detailed-exitcode', '--propose'], diff: ['--detailed-exitcode'] }
    refuseFlagsOfOthers(`policy ${word}`, context.flags, word === 'apply' || word === 'diff' ? taken[word] : [])
    if (context.flags.detailedExitcode && word === 'apply' && !context.flags.dryRun)
      throw new Failure('usage', '--detailed-exitcode needs --dry-run')
    if (last !== undefined && word !== 'simulate') throw new Failure('usage', '--last belongs to policy simulate')
    if (word === 'show') {
      if (file !== undefined) throw new Failure('usage', 'policy show takes no file')
      return (await import('./policy/show.ts')).showPolicy(context)
    }
    if (file === undefined || more.length > 0) {
      throw new Failure('usage', `policy ${word} needs one file`, { hint: `jobsctl policy ${word} policy.yaml` })
    }
    if (word === 'check') return (await import('./policy/check.ts')).checkPolicy(context, file)
    if (word === 'simulate') return (await import('./policy/simulate.ts')).simulatePolicy(context, file, last)
    if (word === 'diff') return (await import('./policy/diff.ts')).diffPolicy(context, file)
    return (await import('./policy/apply.ts')).applyPolicy(context, file)
  },
}
