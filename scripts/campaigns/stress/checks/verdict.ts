/** What was looked at, how often, and what was wrong. */
export interface Verdict {
  claim: string
  looked: number
  wrong: string[]
}

/** Looks at each of many; `fault` says what is wrong with one. */
export function judge<T>(claim: string, things: Iterable<T>, fault: (thing: T) => string | undefined): Verdict {
  const wrong: string[] = []
  let looked = 0
  for (const thing of things) {
    looked++
    const found = fault(thing)
    if (found !== undefined) wrong.push(found)
  }
  return { claim, looked, wrong }
}
