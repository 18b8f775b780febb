import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'

interface ActProps {
  /** What a press does. The button is busy until it has ended; absent in a form, whose button is of type `submit`. */
  onAct?: (() => unknown) | undefined
  /** `primary` for the act that a screen is about, with `danger` where it ends or deletes jobs, `quiet` for one beside the others. */
  look?: 'primary' | 'primary danger' | 'quiet' | undefined
  type?: 'submit' | undefined
  /** True while something else that the button stands for is being done. */
  isBusy?: boolean | undefined
  /** Why it cannot be pressed now, as a sentence for the tooltip, which a press shows, too; true where the page says why. */
  lack?: string | boolean | undefined
  /** Its name for readers, where its words alone do not say of what. */
  label?: string | undefined
  /** The id of what says why it cannot be pressed. */
  describedBy?: string | undefined
  pressed?: boolean | undefined
  children: ComponentChildren
}

/**
 * The button of every act. While it is busy, or cannot be pressed, it keeps the focus: it says so with `aria-disabled`, and does nothing. A
 * double click is one act: its second click does nothing, also where the page has moved and another button is under the pointer.
 */
export function Act({ onAct, look, type, isBusy = false, lack, label, describedBy, pressed, children }: ActProps) {
  // Known at once, and not only when the page is drawn again.
  const acts = useRef(false)
  const [isActing, setActing] = useState(false)
  const [isTold, setTold] = useState(false)
  const why = typeof lack === 'string' && lack !== '' ? lack : undefined
  const isOff = isBusy || isActing || lack === true || why !== undefined
  const press = async (event: MouseEvent) => {
    setTold(why !== undefined)
    if (isOff || acts.current || event.detail > 1) return event.preventDefault()
    if (!onAct) return
    acts.current = true
    try {
      const made = onAct()
      if (!(made instanceof Promise)) return
      setActing(true)
      await made
    } finally {
      acts.current = false
      setActing(false)
    }
  }
  return (
    <>
      <button
        type={type ?? 'button'}
        class={look}
        onClick={press}
        aria-disabled={isOff || undefined}
        aria-busy={isBusy || isActing || undefined}
        aria-label={label}
        aria-describedby={describedBy}
        aria-pressed={pressed}
        title={why}
      >
        {children}
      </button>
      {isTold && why !== undefined && (
        <span class="care" role="alert">
          {why}
        </span>
      )}
    </>
  )
}
