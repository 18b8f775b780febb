import { closest, distance } from 'fastest-levenshtein'

/**
 * The most similar of `names`, where it takes at most `most` edits of single characters to get from `name` to it, and fewer edits than half
 * of its characters. Three edits make any name of three letters out of another.
 */
export function nearestName(name: string, names: readonly string[], most: number): string | undefined {
  if (names.length === 0) return undefined
  const nearest = closest(name, names)
  const edits = distance(name, nearest)
  return edits <= most && edits * 2 < Math.max(name.length, 3) ? nearest : undefined
}
