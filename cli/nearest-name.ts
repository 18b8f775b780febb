import { closest, distance } from 'fastest-levenshtein'

/** The most similar of `names`, where it takes at most `most` edits of single characters to get from `name` to it. */
export function nearestName(name: string, names: readonly string[], most: number): string | undefined {
  if (names.length === 0) return undefined
  const nearest = closest(name, names)
  return distance(name, nearest) <= most ? nearest : undefined
}
