/**
 * Cases of a long table. A run by hand runs all of them. With a whole number in `TEST_SAMPLE`, which CI sets to that of the day, they are a part that
 * moves on by its own length with each number, so that every case has its day.
 * @param most how many cases the part has
 * @throws Error where the variable has something else
 */
export function sampled<Case>(cases: readonly Case[], most: number): Case[] {
  const { TEST_SAMPLE: number } = process.env
  if (!number) return [...cases]
  if (!/^\d+$/.test(number)) throw new Error(`TEST_SAMPLE must be a whole number, not ${number}`)
  const first = (Number(number) * most) % cases.length
  return cases.filter((_, at) => (at - first + cases.length) % cases.length < most)
}
