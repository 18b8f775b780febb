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
