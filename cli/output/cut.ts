import width from 'string-width'

/** A text of at most `most` columns of the terminal; a longer one ends with the sign `end`, which is one column wide. */
export function cutTo(text: string, most: number, end = '…'): string {
  if (width(text) <= most) return text
  if (most < 1) return ''
  let kept = ''
  let used = 0
  for (const character of text) {
    used += width(character)
    if (used > most - 1) break
    kept += character
  }
  return kept + end
}
