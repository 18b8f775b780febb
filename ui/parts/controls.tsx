import type { ComponentChildren, ComponentProps } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { commandLine } from '../../shared/text/shell.ts'
import { hrefOf, navigate } from '../state/address.ts'

interface LinkProps {
  to: string
  class?: string | undefined
  current?: boolean
  label?: string
  title?: string | undefined
  children: ComponentChildren
}

/** A link to a screen. With a modifier key, or by the middle button, the browser opens it as any other link. */
export function Link({ to, current, label, title, children, ...props }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a
      href={hrefOf(to)}
      onClick={follow}
      aria-current={current ? 'page' : undefined}
      aria-label={label}
      title={title}
      class={props.class}
    >
      {children}
    </a>
  )
}

/** A button that sends no form. */
export const Button = (props: ComponentProps<'button'>) => <button type="button" {...props} />

interface SelectProps {
  label: string
  /** True where the label is for screen readers alone. */
  isLabelHidden?: boolean
  value: string
  /** The values, each with its words where these are others. */
  options: readonly (string | readonly [value: string, words: string])[]
  onChange: (value: string) => void
}

/** Asks for one of several words. */
export const Select = ({ label, isLabelHidden, value, options, onChange }: SelectProps) => (
  <label>
    {isLabelHidden ? <span class="hidden">{label}</span> : `${label} `}
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {options.map((option) => {
        const [name, words] = typeof option === 'string' ? [option, option] : option
        return (
          <option key={name} value={name}>
            {words}
          </option>
        )
      })}
    </select>
  </label>
)

interface WhyProps {
  reason: string
  onChange: (reason: string) => void
}

/** Asks for the reason of an act. */
export const Why = ({ reason, onChange }: WhyProps) => (
  <label>
    <span>
      Why <span class="faint">(kept with the record)</span>
    </span>
    <input value={reason} maxLength={500} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
  </label>
)

interface CopyProps {
  /** The text, or a command as its words. */
  text: string | readonly string[]
  children: string
}

/** A button that copies a text, and says that it has. */
export function Copy({ text: given, children }: CopyProps) {
  const text = typeof given === 'string' ? given : commandLine(given)
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = setTimeout(() => setSaid(''), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () => {
    // A page that came over plain HTTP from another machine has no clipboard.
    const copied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    copied.then(
      () => setSaid('Copied'),
      () => setSaid('This browser does not let the page copy'),
    )
  }
  return (
    <>
      <Button class="quiet" onClick={copy}>
        {children}
      </Button>
      <span class="faint" role="status">
        {said}
      </span>
    </>
  )
}
