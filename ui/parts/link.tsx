import type { ComponentChildren } from 'preact'
import { hrefOf, navigate } from '../state/address.ts'

interface LinkProps {
  to: string
  class?: string | undefined
  current?: boolean
  label?: string
  children: ComponentChildren
}

/** A link to a screen. With a modifier key, or by the middle button, the browser opens it as any other link. */
export function Link({ to, current, label, children, ...props }: LinkProps) {
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
      class={props.class}
    >
      {children}
    </a>
  )
}
