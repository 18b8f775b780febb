import width from 'string-width'
import type { ShownJob } from '../../../shared/jobs/show.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { colourOfState } from '../../output/style.ts'
import { textOf } from './columns.ts'
import { nextSteps } from './next-steps.ts'
import {
  attachmentLines,
  errorLines,
  eventLines,
  foldedText,
  relatedLines,
  type Section,
  timeline,
  whoText,
} from './sections.ts'
import { stateText } from './state.ts'

/** A job on one screen. Each line is cut at the width of the terminal, except for commands, which are there to be copied. */
export function jobScreen(
  job: ShownJob,
  raw: { payload: unknown; result: unknown },
  { print, another, domain }: Pick<Context, 'print' | 'another'> & { domain: string | undefined },
): string {
  const { style } = print
  const head = `Job ${job.id} (${job.domain ?? '?'}/${job.queue ?? '?'} ${job.job_type ?? '?'}) is ${stateText(job)}`
  const commands = nextSteps(job, domain).map((words) => another(words))
  const sections = [...sectionsOf(job, raw), ...(commands.length > 0 ? [{ label: 'what next', lines: commands }] : [])]
  const indent = 2 + Math.max(...sections.map(({ label }) => label.length))
  const lines = sections.flatMap(({ label, lines }) =>
    lines.map((line, at) => {
      const text = lines === commands ? escaped(line) : cut(escaped(line), print.width - indent)
      return `${style.dim((at === 0 ? label : '').padEnd(indent))}${text}`.trimEnd()
    }),
  )
  const colour = colourOfState(job.status)
  const title = cut(escaped(head), print.width)
  return `${[colour ? style[colour](title) : title, '', ...lines].join('\n')}\n`
}

function sectionsOf(job: ShownJob, { payload, result }: { payload: unknown; result: unknown }): Section[] {
  const { depends_on, dependents } = job.dependencies ?? { depends_on: [], dependents: [] }
  const who = whoText(job)
  const all: Section[] = [
    { label: 'its state', lines: nativeLines(job) },
    { label: 'times', lines: timeline(job) },
    { label: 'who', lines: who === '' ? [] : [who] },
    { label: 'error', lines: errorLines(job) },
    { label: 'payload', lines: [foldedText(payload)] },
    { label: 'result', lines: [foldedText(result)] },
    { label: 'waits for', lines: relatedLines(depends_on) },
    { label: 'needed by', lines: relatedLines(dependents) },
    { label: 'attachments', lines: attachmentLines(job) },
    { label: 'events', lines: eventLines(job) },
  ]
  return all.filter(({ lines }) => lines.length > 0)
}

/** The state in the words of another engine, or of a mapped table. */
function nativeLines(job: ShownJob): string[] {
  const native = textOf(job, 'native_state')
  return native === '' || native === job.status ? [] : [`${native}, in the words of its table`]
}

/** The text cut to a number of columns of the terminal. */
function cut(text: string, most: number): string {
  if (width(text) <= most) return text
  const characters = [...text]
  while (characters.length > 0 && width(characters.join('')) > most - 1) characters.pop()
  return `${characters.join('')}…`
}
