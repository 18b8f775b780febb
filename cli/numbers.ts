/** `9,500` */
export const grouped = (count: number): string => count.toLocaleString('en-US')

/** `1 job`, `9,500 jobs` */
export const jobs = (count: number): string => `${grouped(count)} ${count === 1 ? 'job' : 'jobs'}`
