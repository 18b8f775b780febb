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
