import { units } from '../../shared/duration.ts'

/** How long ago a time was, in the largest unit that it fills: `2h ago`. Text that is no time is returned as it is. */
export function ago(time: string, now: number = Date.now()): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000)
  if (Number.isNaN(seconds)) return time
  const unit = (['d', 'h', 'm', 's'] as const).find((unit) => seconds >= units[unit])
  return unit ? `${Math.floor(seconds / units[unit])}${unit} ago` : 'just now'
}
