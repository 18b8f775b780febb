/**
 * Takes what was made and stays whatever follows, by its name.
 * @param index the index that the name is about: a later name of the same index takes the place of the one before
 */
export type NoteMade = (name: string, index?: string) => void

/** The most names that an error lists. */
const mostNames = 3

/** Collects what was made. `whatStays` is a clause that an error may have; undefined where nothing was made. */
export function collectMade(): { noteMade: NoteMade; whatStays: () => string | undefined } {
  const made = new Map<string, string>()
  return {
    noteMade: (name, index = name) => {
      made.delete(index)
      made.set(index, name)
    },
    whatStays: () => stayingText([...made.values()]),
  }
}

/** `what was made before stays: 0036_event_cursors.sql`. An invalid index is always named, since it costs each write and serves no read. */
function stayingText(made: readonly string[]): string | undefined {
  if (made.length === 0) return undefined
  const between = made.slice(1, -1).filter((name) => name.includes('invalid index'))
  const names = made.length <= mostNames ? made : [`${made.length} steps, ${made[0]} … ${made.at(-1)}`, ...between]
  return `what was made before stays: ${names.join(', ')}`
}
