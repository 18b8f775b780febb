import { useEffect, useRef, useState } from 'preact/hooks'
import { Sparkline } from '../../parts/sparkline.tsx'
import { clock } from '../../state/page.ts'
import { minutesOf } from '../../state/queue-minutes.ts'

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0).toLocaleString('en')

/** The last hour of a queue, which is asked for when somebody sees it. */
export function Minutes({ domain, queue }: { domain: string; queue: string }) {
  const place = useRef<HTMLDivElement>(null)
  const [isSeen, setSeen] = useState(false)
  useEffect(() => {
    if (!place.current) return
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false))
    observer.observe(place.current)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={place} class="minutes">
      {isSeen && <Line domain={domain} queue={queue} />}
    </div>
  )
}

function Line({ domain, queue }: { domain: string; queue: string }) {
  // An answer is good for a minute: the clock asks for the next one.
  const minutes = clock.value > 0 ? minutesOf(domain, queue).value : undefined
  if (!minutes?.failed && !minutes?.done) return null
  const { done, failed } = minutes
  const says = [done && `${sum(done)} done`, failed && `${sum(failed)} failed`].filter((text) => text).join(', ')
  return (
    <Sparkline
      label={`Last 60 minutes: ${says}`}
      series={[
        ['bad', failed ?? []],
        ['good', done ?? []],
      ]}
    />
  )
}
