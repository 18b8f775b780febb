/**
 * Runs a function for each value, at most `most` of them at once.
 * @returns the results in the order of the values; the first error ends the wait
 */
export async function inTurns<Value, Result>(
  values: readonly Value[],
  most: number,
  run: (value: Value) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const rest = values.entries()
  // All take from one iterator, so each value is taken once.
  const worker = async () => {
    for (const [at, value] of rest) results[at] = await run(value)
  }
  await Promise.all(Array.from({ length: most }, worker))
  return results
}
