import { useId, useRef, useState } from 'preact/hooks'
import { engines } from '../state/engine.ts'
import type { Filter, FilterField } from './filter-words.ts'
import { type Completion, completed, completionsOf, readFilter, tooLong } from './filter-words.ts'

interface FilterBoxProps {
  fields: readonly FilterField[]
  filter: Filter
  onChange: (filter: Filter) => void
  /** What to write, as an example. */
  example: string
  /** What a text without a name means; absent where it means nothing. */
  alone?: (text: string) => Filter | undefined
  /** The known values of a field that has no fixed words; asked for when somebody types its name. */
  valuesOf?: (name: string) => Promise<readonly string[]>
}

/** The filter of every screen: the words of the flags, completed as somebody types. Enter adds them to the filter. */
export function FilterBox({ fields, filter, onChange, example, alone, valuesOf }: FilterBoxProps) {
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState<readonly string[]>([])
  const [at, setAt] = useState(-1)
  const [isOpen, setOpen] = useState(false)
  const [values, setValues] = useState<Readonly<Record<string, readonly string[]>>>({})
  const asked = useRef(new Set<string>())
  const id = useId()
  const completions = isOpen ? completionsOf(text, fields, values) : []
  const type = (next: string) => {
    setText(next)
    setOpen(true)
    setAt(-1)
    setWrong([])
    for (const { name, words } of fields) {
      if (words || asked.current.has(name) || !valuesOf || completionsOf(next, fields, { [name]: [''] }).length === 0)
        continue
      asked.current.add(name)
      // Without them nothing is completed, and nothing else changes.
      valuesOf(name).then(
        (known) => setValues((before) => ({ ...before, [name]: known })),
        () => asked.current.delete(name),
      )
    }
  }
  const take = (completion: Completion) => type(completed(text, completion))
  const submit = (event: Event) => {
    event.preventDefault()
    const read = readFilter(text, fields, alone)
    const isOwn = engines.value.every(({ mode }) => mode === 'own')
    const wrong = [...read.wrong, ...tooLong(read.filter, fields, isOwn)]
    setWrong(wrong)
    if (wrong.length > 0 || Object.keys(read.filter).length === 0) return
    setText('')
    setOpen(false)
    onChange({ ...filter, ...read.filter })
  }
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const chosen = completions[at]
    if (step !== undefined && completions.length > 0) {
      event.preventDefault()
      setAt((at + step + completions.length + Number(at < 0 && step < 0)) % completions.length)
    } else if (event.key === 'Escape') setOpen(false)
    else if (chosen && (event.key === 'Enter' || event.key === 'Tab')) {
      event.preventDefault()
      take(chosen)
    }
  }
  return (
    <form class="filter-box" onSubmit={submit}>
      <input
        type="text"
        role="combobox"
        aria-label="Filter"
        aria-expanded={completions.length > 0}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={at < 0 ? undefined : `${id}-${at}`}
        value={text}
        placeholder={example}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        onInput={({ currentTarget }) => type(currentTarget.value)}
        onKeyDown={press}
        onBlur={() => setOpen(false)}
      />
      <div id={id} role="listbox" aria-label="Completions" tabIndex={-1} hidden={completions.length === 0}>
        {completions.map((completion, nth) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field, which keeps the focus
          <div
            key={completion.text}
            id={`${id}-${nth}`}
            role="option"
            tabIndex={-1}
            aria-selected={nth === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(completion)}
          >
            <b>{completion.text}</b> <span class="faint">{completion.says}</span>
          </div>
        ))}
      </div>
      {wrong.length > 0 && (
        <p class="care" role="alert">
          {wrong.join(' ')}
        </p>
      )}
    </form>
  )
}
