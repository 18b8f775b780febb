import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/shell.ts'
import type { Target } from '../settings/target.ts'

/**
 * A change at a protected profile needs `--profile`, so that nobody makes it by accident.
 * @throws Failure `usage` for a protected profile that `--profile` does not spell out
 */
export function requireNamedProfile(profile: Target['profile']): void {
  if (!profile?.protected || profile.named) return
  throw new Failure(
    'usage',
    `the profile ${profile.name} is protected: a change must spell it out; nothing was changed`,
    {
      hint: `add --profile ${quoted(profile.name)}`,
    },
  )
}
