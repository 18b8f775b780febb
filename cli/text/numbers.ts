/** `9,500` */
export const groupedDigits = (count: number): string => count.toLocaleString('en-US')

/** `1 job`, `9,500 jobs` */
export const jobsText = (count: number): string => `${groupedDigits(count)} ${count === 1 ? 'job' : 'jobs'}`

export const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)
