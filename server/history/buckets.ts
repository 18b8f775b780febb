import { staticFragment } from '../database/sql.ts'

/**
 * The bounds of the buckets of waits and run times, in seconds. A bucket has the times that are above the bound before it and at most its
 * own; one more bucket has the times above the last bound. The trigger of the history has the same numbers, and they never change.
 */
export const bucketBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400] as const

const numbers = Array.from({ length: bucketBounds.length + 1 }, (_, at) => at)

/** An aggregate over transitions: how many jobs are in each bucket, the last one being those above every bound; null where none is timed. */
export const sumOfBuckets = staticFragment((sql) => {
  const counts = numbers.map((at) => `coalesce(sum(jobs) filter (where bucket = ${at}), 0)::bigint`)
  return sql`case when count(bucket) > 0 then array[${sql.unsafe(counts.join(', '))}] end`
})

/** For `on conflict`: the buckets of `kept` and `excluded` together. */
export const addBuckets = staticFragment((sql) => {
  const sums = numbers.map((at) => `kept.buckets[${at + 1}] + excluded.buckets[${at + 1}]`)
  return sql`
  case
    when excluded.buckets is null then kept.buckets
    when kept.buckets is null then excluded.buckets
    else array[${sql.unsafe(sums.join(', '))}]
  end`
})

/** The `jobs` of one transition in an array of buckets; null where it is not timed. */
export const arrayOfBucket = staticFragment((sql) => {
  const counts = numbers.map((at) => `case bucket when ${at} then jobs else 0 end`)
  return sql`case when bucket is not null then array[${sql.unsafe(counts.join(', '))}] end`
})

/** An aggregate over arrays in `buckets`; null where none is there. */
export const sumOfBucketArrays = staticFragment((sql) => {
  const sums = numbers.map((at) => `coalesce(sum(buckets[${at + 1}]), 0)::bigint`)
  return sql`case when count(buckets) > 0 then array[${sql.unsafe(sums.join(', '))}] end`
})
