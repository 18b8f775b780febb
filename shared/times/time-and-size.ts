import { units } from './duration.ts'

/** A length of time in its two largest units: `40s`, `1h 12m`, `3d 2h`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60]
  const first = parts.findIndex((part) => part > 0)
  if (first < 0) return '0s'
  const named = parts.map((part, at) => (part > 0 ? `${part}${'dhms'[at]}` : ''))
  return named
    .slice(first, first + 2)
    .filter((part) => part !== '')
    .join(' ')
}

/** How long ago a time was, in the largest unit that it fills: `2h ago`. Text that is no time is returned as it is. */
export function ago(time: string, now: number = Date.now()): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000)
  if (Number.isNaN(seconds)) return time
  const unit = (['d', 'h', 'm', 's'] as const).find((unit) => seconds >= units[unit])
  return unit ? `${Math.floor(seconds / units[unit])}${unit} ago` : 'just now'
}

/** `2h ago`, or `in 1h 12m`. Text that is no time is returned as it is. */
export function whenText(time: string, now: number = Date.now()): string {
  const ahead = (Date.parse(time) - now) / 1000
  return ahead >= 1 ? `in ${spanText(ahead)}` : ago(time, now)
}

/** `2026-11-24 13:02:00 UTC`. Text that is no time is returned as it is. */
export function clockText(time: string): string {
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? time : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `45 MB`, in powers of 1,000 */
export function sizeText(bytes: number): string {
  const steps = [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const
  const step = steps.find(([, size]) => bytes >= size)
  return step ? `${(Math.round((10 * bytes) / step[1]) / 10).toLocaleString('en-US')} ${step[0]}` : `${bytes} B`
}
