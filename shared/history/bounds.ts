/**
 * The bounds of the buckets of waits and run times, in seconds. A bucket has the times that are above the bound before it and at most its
 * own; one more bucket has the times above the last bound. The trigger of the history has the same numbers, and they never change.
 */
export const bucketBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400] as const
