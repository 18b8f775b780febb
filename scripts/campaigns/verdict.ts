import Table from 'cli-table3'

/** The result of a check. */
export interface Verdict {
  /** The property that the check verifies. */
  claim: string
  /** The number of checked things. */
  looked: number
  /** A sentence for each violation. */
  wrong: string[]
}

/** Returns the verdict, as violated when the check had nothing to look at: it would hold whatever happened. */
export const mustLook = (verdict: Verdict): Verdict =>
  verdict.looked > 0 ? verdict : { ...verdict, wrong: [...verdict.wrong, 'nothing was looked at'] }

/** Checks each thing. `fault` returns a description of the violation, or undefined when the thing is correct. */
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

const maxPrinted = 5

/** Prints a table of the checks and the first five violations of each. Returns the number of violations. */
export function printVerdicts(verdicts: readonly Verdict[]): number {
  const table = new Table({ head: ['claim', 'checked', 'violations'], style: { head: [], border: [] } })
  for (const { claim, looked, wrong } of verdicts) table.push([claim, looked, wrong.length])
  console.log(table.toString())
  for (const text of brokenIn(verdicts)) console.log(`\n${text}`)
  return verdicts.reduce((sum, { wrong }) => sum + wrong.length, 0)
}

/** Each broken claim with its first five violations, one a line. */
export const brokenIn = (verdicts: readonly Verdict[]): string[] =>
  verdicts
    .filter(({ wrong }) => wrong.length > 0)
    .map(({ claim, wrong }) =>
      [`VIOLATED: ${claim} (${wrong.length})`, ...wrong.slice(0, maxPrinted).map((one) => `  ${one}`)].join('\n'),
    )
