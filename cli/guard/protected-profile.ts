import { Failure } from '../../shared/errors.ts'
import type { Target } from '../settings/target.ts'

/**
 * Nobody changes a protected profile by being there by chance.
 * @throws Failure `usage` for one that `--profile` does not spell out
 */
export function requireNamedProfile(profile: Target['profile']): void {
  if (!profile?.protected || profile.named) return
  throw new Failure('usage', `the profile ${profile.name} is protected: spell it out`, {
    hint: `add --profile ${profile.name}`,
  })
}
