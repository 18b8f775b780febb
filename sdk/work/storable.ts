/** A text that the tables keep: without NUL and half characters, of at most `most` characters, and not blank. */
export function storable(text: string, most: number, otherwise: string): string {
  const kept = text.slice(0, most).replaceAll(/[\0\p{Cs}]/gu, '\uFFFD')
  return kept.trim() === '' ? otherwise : kept
}
