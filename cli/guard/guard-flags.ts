import { Failure } from '../../shared/errors.ts'
import type { CommandDescription } from '../command.ts'
import type { Flag } from '../settings/flags/flag.ts'
import { guardFlags } from '../settings/flags/global-flags.ts'
import type { GlobalFlags } from '../settings/settings.ts'

/** The flags of the guard that a command line has, by their names, with whether they were given. */
const guardFlagsOf = (flags: GlobalFlags): Record<string, boolean> => ({
  '--dry-run': flags.dryRun === true,
  '--plan-out': flags.planOut !== undefined,
  '--max': flags.max !== undefined,
  '--rate': flags.rate !== undefined,
  '--until': flags.until !== undefined,
  '--detach': flags.detach === true,
  '--propose': flags.propose === true,
  '--emergency': flags.emergency === true,
  '--detailed-exitcode': flags.detailedExitcode === true,
  '--no-preview': flags.preview === false,
})

/** The first given flag of the guard that is not in `taken`. */
const firstOf = (flags: GlobalFlags, taken: readonly string[] = []): string | undefined =>
  Object.entries(guardFlagsOf(flags)).find(([flag, given]) => given && !taken.includes(flag))?.[0]

const whyNone: Partial<Record<CommandDescription['group'], string>> = {
  READ: 'changes no jobs',
  QUEUE: 'acts at once and has no preview',
}

/**
 * Refuses a flag of the guard for a command that the guard does not see: passed over in silence, it would promise a limit that nobody
 * keeps. Neither does a command take one that its help leaves out. `--yes` and `--reason` pass, so that a script can give them to every command.
 * @throws Failure `usage`
 */
export function refuseGuardFlags(
  { name, group, changes, flags: own, guardFlags: taken }: CommandDescription,
  flags: GlobalFlags,
): void {
  if (changes && taken) refuseFlagsOfOthers(name, flags, taken)
  if (changes) return
  const flag = firstOf(flags)
  if (flag === undefined) return
  throw new Failure('usage', `${flag}: ${name} ${whyNone[group] ?? 'has no preview'}; nothing was changed`, {
    hint: group === 'SETUP' ? leaveOut(flag, name) : hintFor(flag, name, own),
  })
}

function hintFor(flag: string, name: string, own: CommandDescription['flags']): string {
  if (flag === '--dry-run') return '--curl prints the call and sends nothing'
  if (flag === '--max' && own.some(({ flags }) => flags.startsWith('--limit '))) return '--limit bounds what is listed'
  return leaveOut(flag, name)
}

const leaveOut = (flag: string, name: string): string => `leave out ${flag}; jobsctl ${name} --help shows what it takes`

/**
 * Refuses the flags of the guard where `integrity` has no `--fix`, but for those of a report.
 * @throws Failure `usage`
 */
export function refuseWithoutFix(flags: GlobalFlags): void {
  const flag = flags.yes ? '--yes' : firstOf(flags, ['--dry-run', '--detailed-exitcode'])
  if (flag === undefined) return
  throw new Failure('usage', `${flag} needs --fix: integrity without --fix changes nothing`)
}

/**
 * Refuses the flags of the guard that one word of a command does not take.
 * @param words the command with this word, such as `policy diff`
 * @throws Failure `usage`
 */
export function refuseFlagsOfOthers(words: string, flags: GlobalFlags, taken: readonly string[]): void {
  const flag = firstOf(flags, taken)
  if (flag === undefined) return
  throw new Failure('usage', `${words} takes no ${flag}; nothing was changed`, {
    hint: `leave out ${flag}; jobsctl ${words.split(' ')[0]} --help shows what it takes`,
  })
}

/** The flags of the guard that a command takes: none, all, or those that it names. */
export const takenGuardFlags = ({
  changes = false,
  guardFlags: named,
}: Pick<CommandDescription, 'changes' | 'guardFlags'>): readonly Flag[] =>
  guardFlags.filter(({ flags }) => changes && (named?.some((name) => flags.split(/[ ,]+/).includes(name)) ?? true))
