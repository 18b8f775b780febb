/** The parts of payloads of `JOBS_VIEWER_FIELDS`: paths such as `customer.id`, separated by commas. */
export const viewerPathsOf = (text: string): string[][] =>
  text
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '')
    .map((path) => path.split('.'))

export const isPathList = (text: string): boolean =>
  viewerPathsOf(text).every((path) => path.every((name) => name !== ''))
