import width from 'string-width'

/** Text in lines of at most `most` columns, broken at spaces; a longer word has a line of its own. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && width(`${last} ${word}`) <= Math.max(20, most))
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Labels with their texts, which wrap beside the longest label. */
export function labelledText(rows: readonly (readonly [string, string])[], most: number): string {
  const indent = 2 + Math.max(0, ...rows.map(([label]) => label.length))
  const lines = rows.flatMap(([label, text]) =>
    wrapped(text, most - indent).map((line, at) => `${(at === 0 ? label : '').padEnd(indent)}${line}`.trimEnd()),
  )
  return lines.map((line) => `${line}\n`).join('')
}

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
