import { Failure } from '../../shared/errors.ts'
import type { Config } from '../settings/config.ts'

/**
 * The names of the profiles that a pattern means, in the order of the alphabet.
 * @param pattern names of profiles between commas, in which `*` stands for any text and `?` for one character
 * @throws Failure `not_found` where a part of the pattern means no profile
 */
export function membersOf({ profiles }: Config, pattern: string): string[] {
  const names = Object.keys(profiles)
  const found = pattern.split(',').flatMap((part) => {
    const matches = names.filter((name) => isLike(name, part.trim()))
    if (matches.length > 0) return matches
    throw new Failure('not_found', `no profile has a name like ${part.trim() || "''"}`, {
      hint: names.length > 0 ? 'jobsctl config profiles lists them' : 'jobsctl help config says how to write one',
    })
  })
  return [...new Set(found)].sort()
}

const isLike = (name: string, pattern: string): boolean => new RegExp(`^${expressionOf(pattern)}$`, 'su').test(name)

const expressionOf = (pattern: string): string =>
  pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.')
