import { type Signal, signal } from '@preact/signals'

/** A signal that says whether the page is so narrow. What is printed is wide. */
function within(pixels: number): Signal<boolean> {
  const query = matchMedia(`screen and (max-width: ${pixels}px)`)
  const matched = signal(query.matches)
  query.addEventListener('change', ({ matches }) => {
    matched.value = matches
  })
  return matched
}

/** True on a screen where a table of many columns has no room. */
export const isNarrow = within(900)

/** True on a screen where a table of ten columns has no room. */
export const isCompact = within(1500)
