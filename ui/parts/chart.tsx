import { personOf } from '../state/people.ts'

/** The next round number, so that the ticks are round: 1, 2, 4, 5, 6, 8 or 10 times a power of ten. */
export function roundUp(height: number, isWhole: boolean): number {
  const unit = 10 ** Math.floor(Math.log10(height))
  const round = unit * ([1, 2, 4, 5, 6, 8, 10].find((times) => times * unit >= height) ?? 10)
  return isWhole ? Math.max(2, round) : round
}

/** The path of the bar of a step, which is one unit wide. */
export const barOf = (at: number, foot: number, tall: number): string => `M${at + 0.1} ${foot - tall}h.8v${tall}h-.8z`

/** Something that happened at one moment: a mark, or a change that is on record. */
interface Moment {
  at: string
  text: string
  caller: string
  operation: number | undefined
}

/** The part of the width that the words of a mark need, and from where on they stand before it. */
const roomOfLabel = 0.14
const endFrom = 0.85

interface LabelsProps {
  moments: readonly Moment[]
  /** Where a time is, as a part of the width. */
  partOf: (time: string) => number
  /** True where the page lists the moments as text, too. */
  isListed?: boolean
}

/** The words of the last marks above a chart, the newest first, without those that would stand on those of a later one. */
export function Labels({ moments, partOf, isListed }: LabelsProps) {
  let taken = Number.POSITIVE_INFINITY
  const shown = moments
    .filter(({ operation }) => operation === undefined)
    .toReversed()
    .flatMap((moment) => {
      const part = partOf(moment.at)
      const isLeft = part > endFrom
      const begin = isLeft ? part - roomOfLabel : part
      if (part < 0 || part > 1 || begin + roomOfLabel > taken) return []
      taken = begin
      return [{ moment, part, isLeft }]
    })
  if (isListed && shown.length === 0) return null
  return (
    <div class="labels" aria-hidden={isListed}>
      {shown.map(({ moment: { at, text, caller }, part, isLeft }) => (
        <span
          key={at}
          class={isLeft ? 'left' : undefined}
          style={{ left: `${100 * part}%` }}
          title={`${text}, ${at} by ${personOf(caller)}`}
        >
          {text}
        </span>
      ))}
    </div>
  )
}
