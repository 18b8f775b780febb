/** `9,500` */
export const groupedDigits = (count: number): string => count.toLocaleString('en-US')

/** `1 job`, `9,500 jobs` */
export const jobsText = (count: number): string => `${groupedDigits(count)} ${count === 1 ? 'job' : 'jobs'}`

export const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** `45 MB` */
export function sizeText(bytes: number): string {
  const steps = [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const
  const step = steps.find(([, size]) => bytes >= size)
  return step ? `${groupedDigits(Math.round((10 * bytes) / step[1]) / 10)} ${step[0]}` : `${bytes} B`
}
