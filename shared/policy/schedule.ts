import { Cron } from 'croner'

const names = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat'
const value = `(?:\\d{1,2}|${names})`
const item = `(?:\\*|${value}(?:-${value})?)(?:/\\d{1,2})?`
const field = `${item}(?:,${item})*`

/** Five fields of cron: minute, hour, day, month, weekday. Letters that only some programs know, such as L and W, are not taken. */
export const cronPattern = new RegExp(`^${field}(?: ${field}){4}$`, 'i')

/** The times of a rule: five fields of cron, by the clocks of a time zone. */
export interface Schedule {
  at: string
  time_zone: string
}

/** A time that such clocks skip is the moment of the change, and one that they show twice is the first of the two: each day has one run. */
const cronOf = ({ at, time_zone }: Schedule): Cron =>
  new Cron(at, { timezone: time_zone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true })

/** The first time after `after`; undefined where none comes any more, such as 30 February. @throws for a schedule that is not valid */
export const nextTime = (schedule: Schedule, after: Date): Date | undefined =>
  cronOf(schedule).nextRun(after) ?? undefined

/** The first `most` times after `after`. @throws for a schedule that is not valid */
export const timesAfter = (schedule: Schedule, after: Date, most: number): Date[] =>
  cronOf(schedule).nextRuns(most, after)

/** Each time after `after`, the earliest first, without an end. @throws for a schedule that is not valid */
export function* timesFrom(schedule: Schedule, after: Date): Generator<Date> {
  const cron = cronOf(schedule)
  for (let at = cron.nextRun(after); at; at = cron.nextRun(at)) yield at
}

/** The times after `after` up to `until`, the first hundred at most. */
export function timesBetween(schedule: Schedule, after: Date, until: Date): Date[] {
  const times: Date[] = []
  for (const at of timesFrom(schedule, after)) {
    if (at > until || times.length === mostTimes) break
    times.push(at)
  }
  return times
}

const mostTimes = 100

/** True for a time zone that this program knows, such as Europe/Berlin. An offset is no time zone, since it does not follow the clocks. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Why the five fields are no times, as a clause; undefined where they are. */
export function faultOfTimes(at: string): string | undefined {
  try {
    return nextTime({ at, time_zone: 'UTC' }, new Date(0)) ? undefined : 'must name a time that comes'
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, '') : String(error)
    // The library counts days and months from 0 here.
    return `must be times of cron: ${why.replace(/(?<= for (?:day|month)): -?\d+$/, '')}`
  }
}
