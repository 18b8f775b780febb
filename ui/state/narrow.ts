import { signal } from '@preact/signals'

const query = matchMedia('screen and (max-width: 760px)')

/** True on a screen where a table of many columns has no room; what is printed has the table. */
export const isNarrow = signal(query.matches)
query.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches
})
