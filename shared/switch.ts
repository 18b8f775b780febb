const on = ['1', 'true', 'yes', 'y', 'on']
const off = ['0', 'false', 'no', 'n', 'off']

/** The value of a switch in any case, such as `Yes` or `0`; undefined for any other text. */
export function readSwitch(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (on.includes(word)) return true
  return off.includes(word) ? false : undefined
}
