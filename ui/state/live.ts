import { useEffect, useState } from 'preact/hooks'
import { followStats } from '../api/live-stats.ts'

/**
 * Follows the counts of a domain, of a queue or of all as long as a screen is shown.
 * @returns undefined until the stream is asked for
 */
export function useLiveStats({ domain, queue }: Parameters<typeof followStats>[0]) {
  const [live, setLive] = useState<ReturnType<typeof followStats>>()
  useEffect(() => {
    const following = followStats({ domain, queue })
    setLive(following)
    return following.end
  }, [domain, queue])
  return live
}
