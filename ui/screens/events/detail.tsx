import { wordsOf } from '../../../shared/records/event-detail.ts'
import { Ago } from '../../parts/times.tsx'

/** The most characters that are shown. */
const mostShown = 300

/** A time as the server writes it into the attributes of an event. */
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)$/

/** The attributes of an event on one line, in which a time is said by how long ago it is. A long text is cut. */
export function Detail({ attrs }: { attrs: unknown }) {
  let room = mostShown
  return (
    <>
      {wordsOf(attrs).map(([name, word]) => {
        if (room <= 0) return null
        const text = word.length > room ? `${word.slice(0, room)}…` : word
        room -= name.length + text.length
        return (
          <span key={name}>
            {name !== '' && `${name}=`}
            {time.test(word) ? <Ago at={word} /> : text}{' '}
          </span>
        )
      })}
    </>
  )
}
