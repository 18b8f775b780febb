import { boundedJobs, jobsText, leastText, mostLeased, workersText } from '../../../shared/explain/phrases.ts'
import { clockText, spanText } from '../../../shared/times/time-and-size.ts'
import type { ReasonText } from './job-reasons.ts'

type QueueCode = 'nothing_due' | 'all_leased' | 'all_blocked' | 'empty'

/** The title and the sentence of each reason that only a queue can have. */
export const queueReasons: { [One in QueueCode]: ReasonText<One> } = {
  nothing_due: {
    title: 'nothing due',
    sentence: ({ scheduled, next_due_at, seconds }) => {
      const next =
        next_due_at === null || seconds === null
          ? ''
          : `, the next at ${clockText(next_due_at)}, in ${spanText(seconds)}`
      return `${jobsText(scheduled)} scheduled for later${next}`
    },
  },
  all_leased: {
    title: 'all leased',
    sentence: ({ jobs, workers }) =>
      `${boundedJobs(jobs, mostLeased)} ${workers === 0 ? 'running' : `being worked on by ${leastText(jobs, mostLeased)}${workersText(workers)}`}, and no other job is due`,
    isLeast: ({ jobs }) => jobs >= mostLeased,
  },
  all_blocked: {
    title: 'all blocked',
    sentence: ({ jobs, complete }) =>
      complete
        ? jobs === 1
          ? 'the one job that is due waits for other jobs'
          : `all ${jobsText(jobs)} that are due wait for other jobs`
        : `the first ${jobsText(jobs)} in line wait for other jobs; the rest was not looked at`,
  },
  empty: {
    title: 'empty',
    sentence: ({ quarantined }) =>
      `no job waits or runs${quarantined === 0 ? '' : `; ${jobsText(quarantined)} ${quarantined === 1 ? 'is' : 'are'} quarantined`}`,
  },
}
