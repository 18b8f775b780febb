/**
 * The earliest of times, to the millisecond; undefined where none of the texts is a time. Texts do not sort as their times do: the wire
 * drops trailing zeros, so `18.1Z` comes after `18.105Z` as text.
 */
export const earliest = (times: readonly string[]): string | undefined =>
  known(times).reduce<string | undefined>((one, other) => (isBefore(other, one) ? other : one), undefined)

/** The latest of times, to the millisecond; undefined where none of the texts is a time. */
export const latest = (times: readonly string[]): string | undefined =>
  known(times).reduce<string | undefined>(
    (one, other) => (one !== undefined && isBefore(other, one) ? one : other),
    undefined,
  )

const known = (times: readonly string[]) => times.filter((time) => !Number.isNaN(Date.parse(time)))
const isBefore = (one: string, other: string | undefined) => other === undefined || Date.parse(one) < Date.parse(other)
